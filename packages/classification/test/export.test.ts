import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { exportOnnx } from '@beit/compile';
import { createRandom } from '@beit/random';
import { createVit, RELEASED_FINETUNE, type VitConfig } from '@beit/vit';
import type { HostTensor, NamedTensors } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { readOnnx } from '../../compile/test/readOnnx';
import { runOnnx } from '../../compile/test/runOnnx';
import { createClassifier, type Pooling, pixelValuesToLogits, transformersFolder } from '../src';

tf.enableProdMode();
tf.setBackend('cpu');

const SIZE = 16;
const CLASSES = ['cat', 'dog', 'bird'];
const random = createRandom('export');

/** Every parameter drawn at random, so that each of them counts. */
function createTask(config: Partial<VitConfig>, pooling: Pooling) {
  const vit = createVit({ imageSize: SIZE, patchSize: 4, embedDim: 16, depth: 2, numHeads: 2, ...config });
  const classifier = createClassifier({ backbone: vit, numClasses: CLASSES.length, pooling });
  const params: NamedTensors = Object.fromEntries(
    Object.entries(classifier.init(random)).map(([name, { shape, data }]) => [
      name,
      { dtype: 'float32', shape, data: Float32Array.from(data, (x) => x + 0.3 * random.normal()) },
    ]),
  );
  const tensors = Object.fromEntries(
    Object.entries(params).map(([name, { data, shape }]) => [name, tf.tensor(data, [...shape])]),
  );
  const logits = (images: tf.Tensor) => classifier.logits(tensors, images).arraySync();
  return { vit, classifier, params, logits };
}

const exported = ({ classifier, params }: ReturnType<typeof createTask>) =>
  exportOnnx(
    pixelValuesToLogits(classifier),
    { params, inputs: { pixel_values: { dtype: 'float32', shape: ['batch', 3, SIZE, SIZE] } } },
    { metadata: { classes: JSON.stringify(CLASSES) } },
  );

/** Rounding of float32 in sums of some hundred numbers near 1. */
const TOLERANCE = 1e-4;

describe.each([
  ['the paper', {}, 'cls'],
  ['the release', RELEASED_FINETUNE, 'mean'],
] as const)('a classifier in the form of %s', (_, config, pooling) => {
  const task = createTask(config, pooling);

  test.each(['onnxruntime-node', 'onnxruntime-web'] as const)(
    'has the eager logits in %s',
    async (runtime) => {
      const runs = [1, 3].map((batch): { pixel_values: HostTensor } => {
        const data = Float32Array.from({ length: batch * 3 * SIZE * SIZE }, () => random.normal());
        return { pixel_values: { dtype: 'float32', shape: [batch, 3, SIZE, SIZE], data } };
      });
      const results = runOnnx(runtime, await exported(task), runs);
      for (const [i, { pixel_values }] of runs.entries()) {
        const images = tf.transpose(tf.tensor(pixel_values.data, [...pixel_values.shape]), [0, 2, 3, 1]);
        const expected = task.logits(images);
        expect(results[i]!.logits!.shape).toEqual([expected.length, CLASSES.length]);
        expected.flat().forEach((logit, j) => {
          expect(Math.abs(results[i]!.logits!.data[j]! - logit)).toBeLessThan(TOLERANCE);
        });
      }
    },
  );

  test('keeps the contract of transformers in standard ops', async () => {
    const file = readOnnx(await exported(task));
    expect(file.inputs).toEqual({ pixel_values: ['batch', 3, SIZE, SIZE] });
    expect(file.outputs).toEqual({ logits: ['batch', CLASSES.length] });
    expect(file.metadata).toEqual({ classes: '["cat","dog","bird"]' });
    expect(file.opsets).toEqual({ '': 18 });
    expect(file.nodes.filter(({ domain }) => domain !== '')).toEqual([]);
    expect(file.initializers).toEqual(
      expect.arrayContaining(Object.keys(task.params).filter((n) => n !== 'mask_token')),
    );
  });
});

describe('the folder', () => {
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });

  test('is classified with by transformers.js as by the eager model', async () => {
    const task = createTask({}, 'mean');
    const normalization = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] };
    const files = transformersFolder({
      model: await exported(task),
      encoder: task.vit.config,
      classNames: CLASSES,
      normalization,
    });
    const folder = mkdtempSync(join(tmpdir(), 'transformers-'));
    folders.push(folder);
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), content);
    }
    const draw = (width: number, height: number) =>
      Array.from({ length: width * height * 3 }, () => random.integer(0, 255));
    const pictures = [draw(SIZE, SIZE), draw(SIZE, SIZE)];
    // The last one must be resized first, by means of its own: it is only seen to be classified.
    const given = [...pictures.map((bytes) => [SIZE, SIZE, bytes]), [50, 37, draw(50, 37)]];
    const output = execFileSync(process.execPath, [join(__dirname, 'pipelineProcess.mjs')], {
      input: JSON.stringify({ folder, pictures: given }),
      encoding: 'utf8',
    });
    const results = JSON.parse(output) as { label: string; score: number }[][];

    const pixels = tf.div(tf.tensor(pictures.flat(), [2, SIZE, SIZE, 3]), 255);
    const images = tf.div(tf.sub(pixels, normalization.mean), normalization.std);
    const expected = tf.softmax(tf.tensor2d(task.logits(images))).arraySync() as number[][];
    for (const [i, scores] of results.entries()) {
      expect(scores.map(({ label }) => label).sort()).toEqual([...CLASSES].sort());
      for (const { label, score } of i < pictures.length ? scores : []) {
        expect(Math.abs(score - expected[i]![CLASSES.indexOf(label)]!)).toBeLessThan(TOLERANCE);
      }
    }
    expect(results.length).toBe(3);
  });

  const given = {
    model: new Uint8Array(),
    encoder: createVit({ imageSize: 32, patchSize: 8, embedDim: 12, depth: 1, numHeads: 2 }).config,
    normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
    classNames: ['crane', 'kite', 'crane'],
  };
  const read = (file: string | Uint8Array | undefined) => JSON.parse(file as string);

  test('names sizes and classes as transformers does; of equal names the first has the index', () => {
    const config = read(transformersFolder({ ...given, pooling: 'cls' })['config.json']);
    expect(config).toMatchObject({
      model_type: 'beit',
      hidden_size: 12,
      intermediate_size: 48,
      use_mean_pooling: false,
    });
    expect(config.id2label).toEqual({ 0: 'crane', 1: 'kite', 2: 'crane' });
    expect(config.label2id).toEqual({ crane: 0, kite: 1 });
  });

  test('writes a fraction where transformers insists on one', () => {
    expect(transformersFolder(given)['config.json']).toContain('"layer_scale_init_value": 0.0,');
  });

  test('squeezes a picture, or cuts out its centre', () => {
    const square = { height: 32, width: 32 };
    expect(read(transformersFolder(given)['preprocessor_config.json'])).toMatchObject({
      size: square,
      do_center_crop: false,
      resample: 3,
    });
    const cut = transformersFolder({ ...given, shorterSide: 36, resample: 'bilinear' });
    expect(read(cut['preprocessor_config.json'])).toMatchObject({
      size: { shortest_edge: 36 },
      do_center_crop: true,
      crop_size: square,
      resample: 2,
    });
  });

  test.each([
    ['too few names', { classNames: ['one'] }, /1 names of classes/],
    ['two colours', { normalization: { mean: [0, 0], std: [1, 1] } }, /mean \[0,0\]/],
    ['a deviation of zero', { normalization: { mean: [0, 0, 0], std: [1, 0, 1] } }, /std \[1,0,1\]/],
    ['a shorter side below the model', { shorterSide: 31 }, /shorterSide is 31; expected .* 32/],
  ])('refuses %s', (_, wrong, message) => {
    expect(() => transformersFolder({ ...given, ...wrong })).toThrow(message);
  });
});
