/** Models of others: folders of transformers, files of the official code. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPretrained } from '@beit/cli';
import { IMAGENET_NORMALIZATION, INCEPTION_NORMALIZATION } from '@beit/data';
import { toTensors } from '@beit/optim';
import { createRandom } from '@beit/random';
import { ADE20K_CLASSES, ADE20K_PALETTE, type SegmenterHead, type UperNet } from '@beit/segmentation';
import type { NamedTensors } from '@beit/tensors';
import { RELEASED_FINETUNE, transformersConfig, type VitConfig } from '@beit/vit';
import {
  loadSafetensors,
  saveSafetensors,
  saveTransformers,
  stretchFraming,
  toMmsegmentation,
} from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import sharp from 'sharp';
import { createModel } from '../src/model';
import { predict } from '../src/predict';
import { beginWith } from '../src/prepareTask';
import { RECIPES } from '../src/recipes';
import { loadSegmenter } from '../src/segmenterFile';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'released-'));
});
afterAll(() => rm(folder, { recursive: true }));

const MODEL: VitConfig = {
  imageSize: 32,
  patchSize: 8,
  embedDim: 64,
  depth: 12,
  numHeads: 1,
  mlpRatio: 1,
  ...RELEASED_FINETUNE,
};
const UPERNET: UperNet = { kind: 'upernet', blocks: [3, 5, 7, 11], channels: 4 };

/** As files have them: without what segmentation does not need, with auxiliary heads. */
function paramsOf(head: SegmenterHead, numClasses: number): NamedTensors {
  const all = createModel({ model: MODEL, head }, numClasses).segmenter.init(createRandom(1));
  return Object.fromEntries(Object.entries(all).filter(([name]) => !/^(norm\.|mask_token$)/.test(name)));
}

test('a folder of transformers: names, classes, head and normalization are its own', async () => {
  const path = join(folder, 'transformers');
  const params = paramsOf({ ...UPERNET, channels: 64, blocks: [0, 4, 7, 10], auxiliary: [{ block: 7 }] }, 3);
  const config = {
    ...transformersConfig(MODEL, { pooling: 'mean', classNames: ['cat', 'dog', 'sky'] }),
    // transformers counts the embeddings as 1.
    out_indices: [2, 6, 9, 12],
  };
  await saveTransformers(path, params, {
    config,
    preprocessing: { framing: stretchFraming(32), normalization: INCEPTION_NORMALIZATION },
  });
  const loaded = await loadSegmenter(path);
  expect(loaded).toMatchObject({
    classes: ['cat', 'dog', 'sky'],
    head: { kind: 'upernet', blocks: [0, 4, 7, 10], channels: 64, poolScales: [1, 2, 3, 6] },
    model: { imageSize: 32, useRelPosBias: true, useAbsPosEmb: false },
    views: { scale: [128, 32], stride: 21, normalization: INCEPTION_NORMALIZATION },
  });
  expect(loaded.params['decode_head.conv_seg.weight']).toEqual(params['decode_head.conv_seg.weight']);
  expect(loaded.params['fpn1.1.running_var']).toEqual(params['fpn1.1.running_var']);
  expect(loaded.palette.length).toBe(3);
});

test('a file of the official code for ADE20K tells its head by its shapes', async () => {
  const path = join(folder, 'upernet.safetensors');
  await saveSafetensors(path, toMmsegmentation(paramsOf({ ...UPERNET, auxiliary: [{ block: 7 }] }, 150)));
  const loaded = await loadSegmenter(path);
  expect(loaded.classes).toBe(ADE20K_CLASSES);
  expect(loaded.palette).toBe(ADE20K_PALETTE);
  expect(loaded.head).toEqual(UPERNET);
  expect(loaded.views.normalization).toBe(IMAGENET_NORMALIZATION);
});

describe('a file of mmsegmentation', () => {
  const fixtures = join(__dirname, '../../../packages/weights/test/fixtures');
  const path = join(fixtures, 'mmsegmentation.pth');

  test('its configuration, classes and colours are its own', async () => {
    expect(await loadSegmenter(path)).toMatchObject({
      classes: ['wall', 'bed', 'sky'],
      palette: [
        [120, 120, 120],
        [204, 5, 255],
        [6, 230, 230],
      ],
      head: { kind: 'upernet', blocks: [0, 1, 2, 3], channels: 4, poolScales: [1, 2, 3, 6] },
      model: { imageSize: 32, patchSize: 8, numHeads: 2, layerNormEpsilon: 1e-4 },
      views: { normalization: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] } },
    });
  });

  test('training begins with its encoder', async () => {
    const recipe = { ...RECIPES[0]!, model: MODEL };
    const pretrained = await loadPretrained(path);
    const { start } = beginWith(recipe, 4, pretrained);
    expect(start.params['blocks.3.mlp.fc1.weight']).toEqual(pretrained.tensors['blocks.3.mlp.fc1.weight']);
  });

  test('its logits are those of mmsegmentation', async () => {
    const { model, head, params } = await loadSegmenter(path);
    const { segmenter } = createModel({ model, head }, 3);
    const { tensors } = await loadSafetensors(join(fixtures, 'mmsegmentation.safetensors'));
    const expected = tensors.logits!;
    const difference = tf.tidy(() => {
      const pixels = Array.from({ length: 32 * 32 * 3 }, (_, i) => Math.sin(i * 0.37));
      const logits = segmenter.logits(toTensors(params), tf.tensor4d(pixels, [1, 32, 32, 3]));
      return tf.max(tf.abs(tf.sub(logits, tf.tensor(expected.data, [...expected.shape])))).dataSync()[0]!;
    });
    const scale = Array.from(expected.data).reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    expect(difference / scale).toBeLessThan(1e-5);
  });
});

test('training begins with its encoder', async () => {
  const path = join(folder, 'start.safetensors');
  const params = paramsOf(UPERNET, 150);
  await saveSafetensors(path, toMmsegmentation(params));
  const recipe = { ...RECIPES[0]!, model: { ...MODEL, dropPathRate: 0.1 } };
  const { start } = beginWith(recipe, 4, await loadPretrained(path));
  expect(start.params['blocks.11.attn.qkv.weight']).toEqual(params['blocks.11.attn.qkv.weight']);
  expect(start.params['decode_head.conv_seg.weight']!.shape).toEqual([4, 64, 1, 1]);
  expect(start.notes[0]).toMatch(/^Pixels: mean 0\.\d.*, as the recipe says\.$/);
  expect(start.notes[1]).toMatch(/^New, at random: .*decode_head/);
});

test.each<SegmenterHead>([
  { kind: 'setr-pup', channels: 6, numConvs: 3 },
  { kind: 'setr-naive', channels: 6 },
  { kind: 'setr-mla', blocks: [2, 5, 8, 11], channels: 6, headChannels: 4 },
])('so does one of mmsegmentation with $kind', async (head) => {
  const path = join(folder, `${head.kind}.safetensors`);
  await saveSafetensors(path, toMmsegmentation(paramsOf(head, 2)));
  const loaded = await loadSegmenter(path);
  expect(loaded.head).toEqual(head);
  expect(loaded.classes).toEqual(['class 1', 'class 2']);
});

test.each([
  ['no head', /^decode_head/, 'is no segmenter'],
  ['another pyramid', /psp_modules\.3/, 'averages over 3 grids, expected 4'],
  ['a part missing', /fpn_convs\.1\.bn\.bias/, 'decode_head.fpn_convs.1.bn.bias'],
])('%s is an error that says so', async (what, left, message) => {
  const path = join(folder, `${what}.safetensors`);
  const params = Object.entries(toMmsegmentation(paramsOf(UPERNET, 2))).filter(([name]) => !left.test(name));
  await saveSafetensors(path, Object.fromEntries(params));
  await expect(loadSegmenter(path)).rejects.toThrow(message);
});

test('a segmenter of transformers gives every pixel of a picture the class that it has there', async () => {
  const model = join(__dirname, 'fixtures/segmenter');
  const files = [join(model, 'picture.png')];
  const { classes, head, notes } = await loadSegmenter(model);
  expect(classes).toEqual(['wall', 'bed', 'sky', 'tree']);
  expect(head).toMatchObject({ blocks: [0, 1, 3, 4] });
  expect(notes.join()).toMatch(/blocks 1, 2, 4, 5, as transformers reads out_indices/);
  const engine = { engine: 'onnxruntime', precision: 'fp32' } as const;
  for await (const _ of predict({ model, files, out: folder, whole: true, multiScale: false, engine }));
  const pixels = async (path: string) => [...(await sharp(path).raw().toBuffer())];
  const expected = await pixels(join(model, 'classes.png'));
  const given = (await pixels(join(folder, 'picture.png'))).map((label) => label - 1);
  expect(new Set(expected).size).toBeGreaterThan(2);
  expect(given.filter((label, i) => label !== expected[i]).length / expected.length).toBe(0);
});
