/** Training on images that are no squares, [height, width] = [48, 96]: as TensorFlow.js has it, and compiled. */
import { compileForward } from '@beit/compile';
import { patchify } from '@beit/nn';
import { toTensors, valueAndGrads } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { HostTensor } from '@beit/tensors';
import { createVit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import { completePixels, createMim, createPixelRegression, toMask } from '../src';
import { toHost } from './trainingLosses';

tf.enableProdMode();
tf.setBackend('cpu');

const [ROWS, COLUMNS, PATCH, VOCAB] = [3, 6, 16, 8];
const sizes = { imageSize: [ROWS * PATCH, COLUMNS * PATCH], patchSize: PATCH, embedDim: 12 } as const;
const backbone = createVit({ ...sizes, depth: 2, numHeads: 2, useRelPosBias: true, layerScaleInit: 0.1 });
const images = tf.randomNormal([2, ROWS * PATCH, COLUMNS * PATCH, 3], 0, 1, 'float32', 3);
const visualTokens = tf.tensor2d(
  Int32Array.from({ length: 36 }, (_, i) => (5 * i) % VOCAB),
  [2, 18],
  'int32',
);
const masked = {
  positions: tf.tensor2d([4, 5, 17, 0, 6, 11, 12, 16], [2, 4], 'int32'),
  weights: tf.tensor2d([1, 1, 1, 0, 1, 1, 1, 1], [2, 4]),
};
const mim = createMim({ backbone, vocabSize: VOCAB });
const regression = createPixelRegression({ backbone, patchSize: PATCH });
type Inputs = { images: tf.Tensor; visualTokens: tf.Tensor; positions: tf.Tensor; weights: tf.Tensor };
const inputs: Inputs = { images, visualTokens, ...masked };
const largest = (x: tf.Tensor) => tf.max(tf.abs(x)).dataSync()[0]!;

describe.each([
  [
    'visual tokens',
    mim,
    (p: Record<string, tf.Tensor>, { images, visualTokens, ...masked }: Inputs) =>
      mim.loss(p, images, visualTokens, masked).loss,
  ],
  [
    'pixels',
    regression,
    (p: Record<string, tf.Tensor>, { images, visualTokens: _, ...masked }: Inputs) =>
      regression.loss(p, images, masked).loss,
  ],
] as const)('%s', (_, model, loss) => {
  const random = createRandom('wide');
  const initial = Object.fromEntries(
    Object.entries(model.init(createRandom(1))).map(([name, tensor]) => [
      name,
      { ...tensor, data: tensor.data.map((x) => x + 0.1 * random.normal()) },
    ]),
  );
  const params: Record<string, tf.Tensor> = toTensors(initial);
  const step = (p: Record<string, tf.Tensor>, batch: Inputs) => {
    const { loss: value, gradients } = valueAndGrads((own) => ({ loss: loss(own, batch) }), p);
    return { loss: value, ...gradients };
  };
  const eager: Record<string, tf.Tensor> = step(params, inputs);

  test('a compiled program has the loss and all gradients of TensorFlow.js', async () => {
    const batch = Object.fromEntries(Object.entries(inputs).map(([name, t]) => [name, toHost(t)]));
    const options = { params: initial, inputs: batch as { [K in keyof Inputs]: HostTensor } };
    const program = await compileForward(step, options, { engine: 'onnxruntime' });
    const compiled: Record<string, HostTensor> = await program.run(options.inputs);
    const error = (name: string) => {
      const own = tf.tensor(Float32Array.from(compiled[name]!.data), [...compiled[name]!.shape]);
      return largest(tf.sub(own, eager[name]!)) / Math.max(1e-3, largest(eager[name]!));
    };
    expect(Object.keys(compiled).sort()).toEqual(Object.keys(eager).sort());
    expect(Object.keys(eager).filter((name) => !(error(name) < 1e-4))).toEqual([]);
    await program.dispose();
  });

  test('the gradient is that of finite differences', () => {
    for (const [name, value] of Object.entries(params)) {
      const direction = tf.randomNormal(value.shape, 0, 1 / Math.sqrt(value.size), 'float32', 5);
      const at = (distance: number) =>
        loss({ ...params, [name]: tf.add(value, tf.mul(direction, distance)) }, inputs).dataSync()[0]!;
      const slope = (at(1e-2) - at(-1e-2)) / 2e-2;
      expect([name, tf.sum(tf.mul(eager[name]!, direction)).dataSync()[0]]).toEqual([
        name,
        expect.closeTo(slope, 3),
      ]);
    }
  });
});

test('masked patches are hidden and asked for at their own places, row by row', () => {
  const params = toTensors(regression.init(createRandom(1)));
  const mask = toMask(masked, ROWS * COLUMNS);
  // Patch 11 of image 1, which is masked: the second row's last.
  const change = tf.buffer([2, ROWS * PATCH, COLUMNS * PATCH, 3]);
  change.set(5, 1, 20, 95, 0);
  const changed = tf.add(images, change.toTensor());
  const seen = (x: tf.Tensor) => regression.pixels(params, x, mask);
  expect(largest(tf.sub(seen(changed), seen(images)))).toBe(0);
  const answer = (x: tf.Tensor) => regression.loss(params, x, masked).loss.dataSync()[0];
  expect(answer(changed)).not.toBe(answer(images));
  // What is filled in comes to the same place.
  expect(largest(tf.sub(completePixels(patchify(changed, PATCH), images, mask), changed))).toBe(0);
});
