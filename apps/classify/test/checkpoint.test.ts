/** Checkpoints of others, on the fixture of transformers' classifier. */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadPretrained } from '@beit/cli';
import { IMAGENET_NORMALIZATION } from '@beit/data';
import type { NamedTensors } from '@beit/tensors';
import { transformersConfig } from '@beit/vit';
import {
  centerFraming,
  loadSafetensors,
  saveSafetensors,
  saveTransformers,
  stretchFraming,
  toTransformers,
  withoutPrefix,
} from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { loadClassifier, saveClassifier, type TrainedClassifier } from '../src/classifierFile';
import { createModel } from '../src/model';
import { beginWith } from '../src/prepareTask';
import { RECIPES } from '../src/recipes';

tf.enableProdMode();
tf.setBackend('cpu');

const FIXTURES = join(__dirname, '../../../fixtures');
const CLASSES = ['ant', 'bee', 'cat', 'dog', 'eel', 'fox', 'gnu'];
const CONFIG = {
  imageSize: 32,
  patchSize: 8,
  embedDim: 48,
  depth: 2,
  numHeads: 4,
  mlpRatio: 4,
  useAbsPosEmb: true,
  useRelPosBias: true,
  layerScaleInit: 0.1,
};
const RECIPE = RECIPES[0]!;

let folder: string;
let params: NamedTensors;
let images: tf.Tensor;
let expected: number[];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'checkpoints-'));
  const { tensors } = await loadSafetensors(join(FIXTURES, 'classify.safetensors'));
  params = Object.fromEntries(
    Object.entries(withoutPrefix(tensors, 'param.')).filter(([name]) => !name.includes('index')),
  );
  const given = tensors['input.images']!;
  images = tf.transpose(tf.tensor(given.data, [...given.shape]), [0, 2, 3, 1]);
  expected = [...tensors['output.logits']!.data];
});
afterAll(() => rm(folder, { recursive: true }));

function expectLogits(trained: TrainedClassifier): void {
  const { classifier } = createModel(trained, trained.classes.length);
  const tensors = Object.fromEntries(
    Object.entries(trained.params).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
  );
  const logits = classifier.logits(tensors, images).dataSync();
  const largest = Math.max(...expected.map(Math.abs));
  expected.forEach((logit, i) => {
    expect(Math.abs(logits[i]! - logit)).toBeLessThan(1e-5 * largest);
  });
}

describe('the same classifier', () => {
  test('under official names, without a word on its architecture', async () => {
    const path = join(folder, 'official.safetensors');
    await saveSafetensors(path, params);
    const trained = await loadClassifier(path);
    expect(trained.model).toMatchObject({ ...CONFIG, mlpRatio: 4 });
    expect(trained).toMatchObject({
      named: false,
      notes: expect.arrayContaining([expect.stringMatching(/7 classes have no names/)]),
    });
    expect(trained.classes.slice(5)).toEqual(['class 5', 'class 6']);
    expect(trained.pooling).toBe('mean');
    expectLogits(trained);
  });

  test('as a folder of transformers 4, with names, normalization and epsilon', async () => {
    const config = {
      ...transformersConfig(CONFIG, { pooling: 'mean', classNames: CLASSES }),
      layer_norm_eps: 1e-12,
    };
    const preprocessing = { framing: stretchFraming(32, 'bilinear'), normalization: IMAGENET_NORMALIZATION };
    await saveTransformers(join(folder, 'four'), params, { config, preprocessing });
    const trained = await loadClassifier(join(folder, 'four'));
    expect(trained.classes).toEqual(CLASSES);
    expect(trained.preprocessing).toEqual(preprocessing);
    expect(trained.model.layerNormEpsilon).toBe(1e-12);
    expectLogits(trained);
  });

  test('under the names of transformers 5', async () => {
    const path = join(folder, 'five');
    await mkdir(path);
    await copyFile(
      join(FIXTURES, 'classify-transformers-names.safetensors'),
      join(path, 'model.safetensors'),
    );
    const config = transformersConfig(CONFIG, { pooling: 'mean', classNames: CLASSES });
    await writeFile(join(path, 'config.json'), JSON.stringify(config));
    expectLogits(await loadClassifier(path));
    expect(Object.keys(toTransformers(params, { version: 5 }))).toContain('beit.layers.0.mlp.fc1.weight');
  });

  test('as this app writes it', async () => {
    const path = join(folder, 'own.safetensors');
    const framing = centerFraming({ imageSize: 32, cropShare: 0.9 });
    const preprocessing = { framing, normalization: IMAGENET_NORMALIZATION };
    const written = { params, classes: CLASSES, model: CONFIG, pooling: 'mean', preprocessing } as const;
    await saveClassifier(path, written);
    const { params: _, notes, named, ...rest } = await loadClassifier(path);
    expect(named).toBe(true);
    expect(rest).toEqual({ classes: CLASSES, model: CONFIG, pooling: 'mean', preprocessing });
    expect(notes[0]).toMatch(
      /^Pictures: shorter edge to 35 \(bicubic\), 32x32 of the middle, as the model says; mean 0\.485/,
    );
    // As it wrote it before.
    const views = { normalization: IMAGENET_NORMALIZATION, cropShare: 0.9 };
    await saveSafetensors(path, params, {
      config: JSON.stringify(CONFIG),
      classes: JSON.stringify(CLASSES),
      classifier: JSON.stringify({ pooling: 'mean', views }),
    });
    expect((await loadClassifier(path)).preprocessing).toEqual(preprocessing);
  });

  test('with a preprocessing for another size is refused', async () => {
    const path = join(folder, 'four');
    const processor = { size: 48, do_center_crop: false };
    await writeFile(join(path, 'preprocessor_config.json'), JSON.stringify(processor));
    await expect(loadClassifier(path)).rejects.toThrow(
      /four makes pictures of 48x48 pixels, but its model takes 32x32/,
    );
  });
});

test('what is missing or of another shape is listed', async () => {
  const { 'blocks.1.mlp.fc1.bias': _, 'blocks.0.gamma_1': gamma, ...rest } = params;
  const path = join(folder, 'broken.safetensors');
  const wrong = { ...gamma!, shape: [24], data: gamma!.data.slice(0, 24) };
  await saveSafetensors(path, { ...rest, 'blocks.0.gamma_1': wrong });
  await expect(loadClassifier(path)).rejects.toThrow(
    /broken\.safetensors: it is no BEiT as it describes itself\.\nMissing: blocks\.1\.mlp\.fc1\.bias\.\nOf another shape: blocks\.0\.gamma_1 \(\[24\], expected \[48\]\)/,
  );
  const { 'head.weight': __, ...headless } = params;
  await saveSafetensors(path, headless);
  await expect(loadClassifier(path)).rejects.toThrow(/has no head/);
});

describe('fine-tuning begins', () => {
  const begin = async (tensors: NamedTensors, numClasses: number, imageSize = 32) => {
    const path = join(folder, 'start.safetensors');
    await saveSafetensors(path, tensors);
    const pretrained = await loadPretrained(path);
    const wanted = { ...RECIPE, model: { ...RECIPE.model, imageSize, dropPathRate: 0.2 } };
    const { recipe, start } = beginWith(wanted, numClasses, pretrained);
    return { recipe, ...start };
  };

  test('with the architecture of the checkpoint, and its head for as many classes', async () => {
    const { recipe, params: start, notes } = await begin(params, 7);
    expect(recipe.model).toMatchObject({ embedDim: 48, depth: 2, dropPathRate: 0.2, useRelPosBias: true });
    expect(start['head.weight']!.data).toEqual(params['head.weight']!.data);
    expect(notes).toEqual([expect.stringMatching(/^Pixels: mean .*, as the recipe says\.$/)]);
  });

  test('with a new head for other classes, small as the released code has it', async () => {
    const { params: start, notes } = await begin(params, 5);
    expect(start['head.weight']!.shape).toEqual([5, 48]);
    expect(Math.max(...start['head.weight']!.data.map(Math.abs))).toBeLessThan(0.001);
    expect(start['blocks.0.attn.qkv.weight']!.data).toEqual(params['blocks.0.attn.qkv.weight']!.data);
    expect(notes.slice(1)).toEqual(['New, at random: head.']);
  });

  test('at another resolution, with positions and biases resized', async () => {
    const { params: start } = await begin(params, 7, 48);
    expect(start.pos_embed!.shape).toEqual([1, 37, 48]);
    expect(start['blocks.1.attn.relative_position_bias_table']!.shape).toEqual([11 * 11 + 3, 4]);
  });

  test('from pre-training, whose final norm, mask token and vocabulary are left behind', async () => {
    const { tensors } = await loadSafetensors(join(FIXTURES, 'mim-rel.safetensors'));
    const pretrained = withoutPrefix(tensors, 'param.');
    const { recipe, params: start, notes } = await begin(pretrained, 7, 32);
    expect(recipe.model).toMatchObject({ useRelPosBias: true, useSharedRelPosBias: false });
    const [own, shared] = [
      'blocks.0.attn.relative_position_bias_table',
      'rel_pos_bias.relative_position_bias_table',
    ];
    expect(start[own]!.data).toEqual(pretrained[shared]!.data);
    expect([...start['fc_norm.weight']!.data]).toEqual(new Array(start['fc_norm.weight']!.shape[0]).fill(1));
    expect(notes.slice(1)).toEqual(['New, at random: fc_norm, head.']);
  });

  test('not with a part of an encoder', async () => {
    const { cls_token: _, ...rest } = params;
    await expect(begin(rest, 7)).rejects.toThrow(/no BEiT as it describes itself\.\nMissing: cls_token\./);
  });
});
