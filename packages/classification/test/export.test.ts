import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportOnnx } from '@beit/compile';
import { createRandom } from '@beit/random';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { createVit, RELEASED_FINETUNE, transformersConfig, type VitConfig } from '@beit/vit';
import { saveTransformers, stretchFraming } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { readOnnx } from '../../compile/test/readOnnx';
import { runOnnx } from '../../compile/test/runOnnx';
import { createClassifier, type Pooling, pixelValuesToLogits } from '../src';

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

test('transformers.js classifies with the folder as the eager model does', async () => {
  const task = createTask({}, 'mean');
  const normalization = { mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] } as const;
  const folder = mkdtempSync(join(tmpdir(), 'transformers-'));
  await saveTransformers(folder, task.params, {
    config: transformersConfig(task.vit.config, { pooling: 'mean', classNames: CLASSES }),
    preprocessing: { framing: stretchFraming(SIZE), normalization },
    onnx: await exported(task),
  });
  const draw = (width: number, height: number) =>
    Array.from({ length: width * height * 3 }, () => random.integer(0, 255));
  const pictures = [draw(SIZE, SIZE), draw(SIZE, SIZE)];
  // The last one must be resized first, by means of its own: it is only seen to be classified.
  const given = [...pictures.map((bytes) => [SIZE, SIZE, bytes]), [50, 37, draw(50, 37)]];
  const output = execFileSync(process.execPath, [join(__dirname, 'pipelineProcess.mjs')], {
    input: JSON.stringify({ folder, pictures: given }),
    encoding: 'utf8',
  });
  rmSync(folder, { recursive: true });
  const results = JSON.parse(output) as { label: string; score: number }[][];

  const pixels = tf.div(tf.tensor(pictures.flat(), [2, SIZE, SIZE, 3]), 255);
  const images = tf.div(tf.sub(pixels, [...normalization.mean]), [...normalization.std]);
  const expected = tf.softmax(tf.tensor2d(task.logits(images))).arraySync() as number[][];
  for (const [i, scores] of results.entries()) {
    expect(scores.map(({ label }) => label).sort()).toEqual([...CLASSES].sort());
    for (const { label, score } of i < pictures.length ? scores : []) {
      expect(Math.abs(score - expected[i]![CLASSES.indexOf(label)]!)).toBeLessThan(TOLERANCE);
    }
  }
  expect(results.length).toBe(3);
});
