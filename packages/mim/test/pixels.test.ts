import type { Backbone } from '@beit/nn';
import { patchify } from '@beit/nn';
import { createRandom } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import { createVit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import { completePixels, createMim, createPixelRegression, pixelLoss, toMask } from '../src';
import { toHost, trainingLosses } from './trainingLosses';

tf.enableProdMode();
tf.setBackend('cpu');

const vit = () => createVit({ imageSize: 8, patchSize: 2, embedDim: 8, depth: 1, numHeads: 2 });
const tiny = () => createPixelRegression({ backbone: vit(), patchSize: 2 });
const toTensors = (params: NamedTensors) =>
  Object.fromEntries(
    Object.entries(params).map(([name, t]) => [name, tf.tensor(t.data, [...t.shape], t.dtype as 'float32')]),
  );
const images = tf.randomNormal([2, 8, 8, 3], 0, 1, 'float32', 3);
const masked = {
  positions: tf.tensor2d([1, 5, 6, 0, 3, 8, 9, 15], [2, 4], 'int32'),
  weights: tf.tensor2d([1, 1, 1, 0, 1, 1, 1, 1], [2, 4]),
};
const scalar = (t: tf.Tensor) => t.dataSync()[0]!;

/** Pixels of one image changed at one place, by hand and not by `patchify`. */
const changedAt = (image: number, y: number, x: number, channel: number) => {
  const change = tf.buffer([2, 8, 8, 3]);
  change.set(3, image, y, x, channel);
  return tf.add(images, change.toTensor());
};

test('the model is that of masked image modelling but for its head', () => {
  const own = tiny().init(createRandom(1));
  const tokens = createMim({ backbone: vit(), vocabSize: 4 }).init(createRandom(1));
  const others = Object.keys(tokens).filter((name) => !name.startsWith('lm_head'));
  expect(Object.keys(own)).toEqual([...others, 'pixel_head.weight', 'pixel_head.bias']);
  for (const name of others) expect(own[name]).toEqual(tokens[name]);
  expect(own['pixel_head.weight']!.shape).toEqual([12, 8]);
});

describe('the loss', () => {
  const regression = tiny();
  // Larger weights than the initial ones, so that every gradient is far from 0.
  const params = Object.fromEntries(
    Object.entries(toTensors(regression.init(createRandom(1)))).map(([name, t], i) => [
      name,
      tf.add(t, tf.randomNormal(t.shape, 0, 0.3, 'float32', i + 1)),
    ]),
  );
  const variables = Object.fromEntries(
    Object.entries(params).map(([name, t]) => [name, tf.variable(t, true)]),
  );
  const loss = (x: tf.Tensor, m = masked) => scalar(regression.loss(params, x, m).loss);

  test('is the mean squared error over the masked patches of the batch', () => {
    const mask = toMask(masked, 16);
    const pixels = regression.pixels(params, images, mask).arraySync();
    const real = images.arraySync() as number[][][][];
    let sum = 0;
    mask.arraySync().forEach((row, image) => {
      row.forEach((isMasked, patch) => {
        if (isMasked === 0) return;
        for (let channel = 0; channel < 3; channel++)
          for (let y = 0; y < 2; y++)
            for (let x = 0; x < 2; x++) {
              const actual = real[image]![2 * Math.floor(patch / 4) + y]![2 * (patch % 4) + x]![channel]!;
              sum += (pixels[image]![patch]![channel * 4 + y * 2 + x]! - actual) ** 2;
            }
      });
    });
    expect(loss(images)).toBeCloseTo(sum / (7 * 12), 5);
  });
  test('has the gradient of finite differences, in every parameter', () => {
    const { grads } = tf.variableGrads(
      () => regression.loss(variables, images, masked).loss,
      Object.values(variables),
    );
    const step = 1e-2;
    for (const [name, variable] of Object.entries(variables)) {
      const direction = tf.randomNormal(variable.shape, 0, 1 / Math.sqrt(variable.size), 'float32', 5);
      const at = (distance: number) =>
        scalar(
          regression.loss(
            { ...params, [name]: tf.add(params[name]!, tf.mul(direction, distance)) },
            images,
            masked,
          ).loss,
        );
      const slope = (at(step) - at(-step)) / (2 * step);
      expect([name, scalar(tf.sum(tf.mul(grads[variable.name]!, direction)))]).toEqual([
        name,
        expect.closeTo(slope, 3),
      ]);
    }
  });
  test('knows the pixels of masked patches as the answer alone', () => {
    // Patch 1 of image 0 is masked: rows 0 and 1, columns 2 and 3.
    const mask = toMask(masked, 16);
    const pixels = (x: tf.Tensor) => Array.from(regression.pixels(params, x, mask).dataSync());
    expect(pixels(changedAt(0, 1, 2, 0))).toEqual(pixels(images));
    expect(loss(changedAt(0, 1, 2, 0))).not.toBe(loss(images));
  });
  test('does not ask for visible patches, nor for what fills up the lists', () => {
    const mask = { ...masked, weights: tf.tensor2d([1, 0, 0, 0, 0, 0, 0, 0], [2, 4]) };
    const other = { ...mask, positions: tf.tensor2d([1, 7, 7, 7, 2, 2, 2, 2], [2, 4], 'int32') };
    expect(loss(images, other)).toBe(loss(images, mask));
    // Image 1 has no masked patch.
    expect(loss(changedAt(1, 7, 7, 2), mask)).toBe(loss(images, mask));
  });
  test('of no masked patch is 0, not NaN', () => {
    expect(loss(images, { ...masked, weights: tf.zeros([2, 4]) })).toBe(0);
  });
  test('refuses images of another size', () => {
    expect(() => loss(tf.zeros([2, 8, 10, 3]))).toThrow(
      'The images: got [2, 8, 10, 3]; expected [any, 8, 8, 3]',
    );
    expect(() => createPixelRegression({ backbone: vit(), patchSize: 1.5 })).toThrow('patchSize is 1.5');
  });
});

test('a perfect prediction costs 0', () => {
  // Stripes of mean 0 and variance 1, which a layer norm without epsilon keeps, and so do the head's weights below.
  const pattern = Array.from({ length: 24 }, (_, i) => (i % 2 === 0 ? 1 : -1));
  const seer: Backbone<'features'> = {
    gridSize: [2, 1],
    embedDim: 12,
    init: () => ({}),
    embedPatches: (_p, x) => patchify(x, 2),
    encode: () => ({ features: tf.concat([tf.zeros([1, 1, 12]), tf.tensor(pattern, [1, 2, 12])], 1) }),
  };
  const regression = createPixelRegression({ backbone: seer, patchSize: 2, layerNormEpsilon: 0 });
  const params = {
    mask_token: tf.zeros([1, 1, 12]),
    'norm.weight': tf.ones([12]),
    'norm.bias': tf.zeros([12]),
    'pixel_head.weight': tf.eye(12),
    'pixel_head.bias': tf.zeros([12]),
  };
  const both = { positions: tf.tensor2d([[0, 1]], [1, 2], 'int32'), weights: tf.ones([1, 2]) };
  const stripes = tf.tensor4d(
    Array.from({ length: 24 }, (_, i) => (Math.floor(i / 3) % 2 === 0 ? 1 : -1)),
    [1, 4, 2, 3],
  );
  expect(scalar(regression.loss(params, stripes, both).loss)).toBe(0);
  expect(scalar(regression.loss(params, tf.add(stripes, 0.5), both).loss)).toBeCloseTo(0.25, 6);
});

test('completed images keep what is visible to the bit, and have the prediction in place', () => {
  const mask = toMask(masked, 16);
  const other = tf.randomNormal([2, 8, 8, 3], 0, 1, 'float32', 4);
  const completed = completePixels(patchify(other, 2), images, mask).arraySync();
  const [visible, predicted] = [images.arraySync() as number[][][][], other.arraySync() as number[][][][]];
  mask.arraySync().forEach((row, image) => {
    for (let y = 0; y < 8; y++)
      for (let x = 0; x < 8; x++) {
        const from = row[4 * Math.floor(y / 2) + Math.floor(x / 2)] === 1 ? predicted : visible;
        expect(completed[image]![y]![x]).toEqual(from[image]![y]![x]);
      }
  });
  expect(() => completePixels(tf.zeros([2, 16, 27]), images, mask)).toThrow('do not split into patches of 3');
});

describe('the step', () => {
  const batch = {
    images: toHost(images),
    masked: { positions: toHost(masked.positions), weights: toHost(masked.weights) },
  };
  const losses = (engine: 'tfjs' | 'onnxruntime', steps: number) => {
    const regression = tiny();
    return trainingLosses(pixelLoss(regression), regression.init, batch, engine, steps);
  };
  test('is the same eager and compiled', async () => {
    const eager = await losses('tfjs', 3);
    const compiled = await losses('onnxruntime', 3);
    eager.forEach((loss, i) => {
      expect(compiled[i]).toBeCloseTo(loss, 4);
    });
  });
  test('learns two images by heart', async () => {
    const all = await losses('onnxruntime', 200);
    expect(all[0]).toBeGreaterThan(0.5);
    expect(all.at(-1)).toBeLessThan(0.05);
  });
});
