import * as tf from '@tensorflow/tfjs';
import { maxPool2d } from '../src/maxPool2d';

beforeAll(() => tf.setBackend('cpu'));

test('takes the largest of each window, per channel; an odd last row and column are left out', () => {
  const x = tf.tensor4d([1, -1, 5, -5, 9, 0, 2, -2, 3, -3, 9, 0, 7, 7, 7, 7, 9, 0], [1, 3, 3, 2]);
  const y = maxPool2d(x);
  expect(y.shape).toEqual([1, 1, 1, 2]);
  expect([...y.dataSync()]).toEqual([5, -1]);
});

test('the gradient goes to the largest value only', () => {
  const x = tf.tensor4d([1, 4, 3, 2, 8, 5, 6, 7], [1, 2, 4, 1]);
  const dx = tf.grad((v) => tf.sum(tf.mul(maxPool2d(v), tf.tensor4d([10, 100], [1, 1, 2, 1]))))(x);
  expect([...dx.dataSync()]).toEqual([0, 0, 0, 0, 10, 0, 0, 100]);
});

test('where values tie, their gradients add up to that of the window', () => {
  const dx = tf.grad((v) => tf.mul(tf.sum(maxPool2d(v)), 3))(tf.ones([2, 4, 4, 2]));
  expect(tf.sum(dx).dataSync()[0]).toBe(3 * 2 * 2 * 2 * 2);
});

test('gradient against central differences', () => {
  const x = tf.tensor(
    Float32Array.from({ length: 64 }, (_, i) => Math.sin(7 * i)),
    [1, 4, 4, 4],
  );
  const f = (v: tf.Tensor) => tf.sum(tf.square(maxPool2d(v))) as tf.Scalar;
  const direction = tf.cos(tf.range(0, 64)).reshape([1, 4, 4, 4]);
  const at = (step: number) => f(tf.add(x, tf.mul(direction, step))).dataSync()[0]!;
  const slope = (at(1e-3) - at(-1e-3)) / 2e-3;
  expect(tf.sum(tf.mul(tf.grad(f)(x), direction)).dataSync()[0]! - slope).toBeCloseTo(0, 1);
});

test('other ranks are refused, and images of which nothing would be left', () => {
  expect(() => maxPool2d(tf.zeros([1, 1, 4, 1]))).toThrow('maxPool2d input is [1,1,4,1]');
  expect(() => maxPool2d(tf.zeros([4, 4, 1]))).toThrow('maxPool2d input is [4,4,1]');
});
