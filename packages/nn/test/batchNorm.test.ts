import * as tf from '@tensorflow/tfjs';
import { batchNorm, batchNormInference, updateRunningStatistics } from '../src/batchNorm';

beforeAll(() => tf.setBackend('cpu'));

const x = tf.tidy(() => tf.add(tf.mul(tf.sin(tf.range(0, 2 * 3 * 4 * 5)), 2), 1).reshape([2, 3, 4, 5]));
const scale = tf.tensor1d([0.5, 1, -2, 3, 0.1]);
const offset = tf.tensor1d([1, -1, 0, 2, 0.5]);

test('every channel has mean 0 and variance 1 before scale and offset', () => {
  const { output } = batchNorm(x, tf.ones([5]), tf.zeros([5]), { epsilon: 0 });
  const { mean, variance } = tf.moments(output, [0, 1, 2]);
  for (const value of mean.dataSync()) expect(value).toBeCloseTo(0, 5);
  for (const value of variance.dataSync()) expect(value).toBeCloseTo(1, 5);
});

test('inference with the statistics of the batch gives what training gives', () => {
  const { output, batch } = batchNorm(x, scale, offset);
  const again = batchNormInference(x, scale, offset, batch);
  expect(Array.from(again.dataSync())).toEqual(Array.from(output.dataSync()));
});

test('gradients are those of finite differences', () => {
  const weights = tf.cos(tf.range(0, x.size)).reshape(x.shape);
  const f = (...[v, w, b]: tf.Tensor[]) => tf.sum(tf.mul(batchNorm(v!, w!, b!).output, weights)) as tf.Scalar;
  const grads = tf.grads(f)([x, scale, offset]);
  [x, scale, offset].forEach((tensor, which) => {
    const direction = tf.sin(tf.mul(tf.range(0, tensor.size), 7)).reshape(tensor.shape);
    const at = (step: number) => {
      const args = [x, scale, offset] as tf.Tensor[];
      args[which] = tf.add(tensor, tf.mul(direction, step));
      return f(...args).dataSync()[0]!;
    };
    const expected = (at(1e-2) - at(-1e-2)) / 2e-2;
    const actual = tf.sum(tf.mul(grads[which]!, direction)).dataSync()[0]!;
    expect(Math.abs(actual - expected)).toBeLessThan(2e-3 * Math.max(1, Math.abs(expected)));
  });
});

test('running statistics move by a tenth, towards the unbiased variance', () => {
  const running = { mean: tf.tensor1d([1]), variance: tf.tensor1d([2]) };
  const batch = { mean: tf.tensor1d([3]), variance: tf.tensor1d([6]) };
  const { mean, variance } = updateRunningStatistics(running, batch, 4);
  expect(mean.dataSync()[0]).toBeCloseTo(1.2, 6);
  expect(variance.dataSync()[0]).toBeCloseTo(0.9 * 2 + 0.1 * 8, 6);
});

test('shapes that do not fit are refused', () => {
  expect(() => batchNorm(x, tf.ones([4]), offset)).toThrow(
    'The scale of a batch normalization: got [4]; expected [5]',
  );
});
