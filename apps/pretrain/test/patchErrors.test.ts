import { patchify } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';
import { decibels, formatDecibels, patchErrors } from '../src/targets/patchErrors';

tf.setBackend('cpu');

const STD = [0.5, 0.5, 2] as const;
// One image of 4 x 4 pixels in 2 x 2 patches, each patch of one colour.
const image = (...colors: readonly (readonly number[])[]) =>
  tf.tensor(
    Array.from({ length: 16 }, (_, i) => colors[2 * Math.floor(i / 8) + Math.floor((i % 4) / 2)]!).flat(),
    [1, 4, 4, 3],
  );
const rowOf = (t: tf.Tensor) => Array.from(t.dataSync(), (x) => Number(x.toFixed(5)));

const actual = image([1, 0, 0], [0, 0, 0], [0, 1, 0], [0, 0, 3]);
const mask = tf.tensor2d([[0, 1, 0, 1]]);
const errors = (predicted: tf.Tensor) => patchErrors(patchify(predicted, 2), actual, mask, STD);

test('errors of every patch, in normalized units and in those of pixels', () => {
  const { normalized, mse } = errors(image([1, 0, 0], [0.6, 0, 0], [0, 1, 0], [0, 0, 0]));
  expect(rowOf(normalized)).toEqual([0, 0.12, 0, 3]);
  expect(rowOf(mse)).toEqual([0, 0.03, 0, 12]);
});
test('the baseline is the mean colour of the visible patches, whatever was predicted', () => {
  // Visible are the patches 0 and 2: their mean is [0.5, 0.5, 0].
  const { meanColorMse } = errors(image([9, 9, 9], [9, 9, 9], [9, 9, 9], [9, 9, 9]));
  const [, first, , last] = rowOf(meanColorMse);
  expect(first).toBeCloseTo((0.25 ** 2 + 0.25 ** 2) / 3, 4);
  expect(last).toBeCloseTo((0.25 ** 2 + 0.25 ** 2 + 6 ** 2) / 3, 4);
});
test('an image without a visible patch has a baseline all the same', () => {
  const { meanColorMse } = patchErrors(patchify(actual, 2), actual, tf.ones([1, 4]), STD);
  expect(rowOf(meanColorMse)[3]).toBeCloseTo(36 / 3, 4);
});
test('decibels', () => {
  expect(decibels(0.001)).toBeCloseTo(30, 9);
  expect([decibels(0.001), decibels(0), decibels(Number.NaN)].map((x) => formatDecibels(x))).toEqual([
    '30.00 dB',
    'n/a',
    'n/a',
  ]);
});
