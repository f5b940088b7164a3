import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { convTranspose2d } from '../src/convTranspose2d';

beforeAll(() => tf.setBackend('cpu'));

test('equals TensorFlow.js’s own, whose weights are transposed', () => {
  const side = fc.integer({ min: 1, max: 4 });
  fc.assert(
    fc.property(side, side, side, side, fc.integer({ min: 1, max: 3 }), (height, width, into, out, k) => {
      const x = tf.sin(tf.range(0, 2 * height * width * into)).reshape([2, height, width, into]);
      const weight = tf.cos(tf.range(0, into * out * k * k)).reshape([into, out, k, k]);
      const bias = tf.range(0, out);
      const filter = tf.transpose(weight, [2, 3, 1, 0]) as tf.Tensor4D;
      const shape: [number, number, number, number] = [2, height * k, width * k, out];
      const expected = tf.add(tf.conv2dTranspose(x as tf.Tensor4D, filter, shape, k, 'valid'), bias);
      const actual = convTranspose2d(x, weight, bias);
      expect(actual.shape).toEqual(expected.shape);
      expect(tf.max(tf.abs(tf.sub(actual, expected))).dataSync()[0]).toBeLessThan(1e-5);
    }),
    { seed: 1, numRuns: 30 },
  );
});

test('its gradients are along its three linear parts', () => {
  const x = tf.sin(tf.range(0, 36)).reshape([2, 3, 2, 3]);
  const weight = tf.cos(tf.range(0, 48)).reshape([3, 4, 2, 2]);
  const bias = tf.range(1, 5);
  const dy = tf.cos(tf.range(0, 2 * 6 * 4 * 4)).reshape([2, 6, 4, 4]);
  const f = (x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor) =>
    tf.sum(tf.mul(convTranspose2d(x, weight, bias), dy)) as tf.Scalar;
  const [dx, dWeight, dBias] = tf.grads(f)([x, weight, bias]) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const along = (a: tf.Tensor, b: tf.Tensor) => tf.sum(tf.mul(a, b)).dataSync()[0]!;
  const whole = f(x, weight, bias).dataSync()[0]!;
  // Linear in x and in the weight, but for the bias; linear in the bias.
  expect(along(dx, x) + along(dBias, bias)).toBeCloseTo(whole, 3);
  expect(along(dWeight, weight) + along(dBias, bias)).toBeCloseTo(whole, 3);
});

test('other shapes are refused', () => {
  const x = tf.zeros([1, 2, 2, 3]);
  expect(() => convTranspose2d(tf.zeros([2, 2, 3]), tf.zeros([3, 1, 2, 2]), tf.zeros([1]))).toThrow(
    'convTranspose2d input is [2,2,3]',
  );
  expect(() => convTranspose2d(x, tf.zeros([4, 1, 2, 2]), tf.zeros([1]))).toThrow('expected [3, out, k, k]');
  expect(() => convTranspose2d(x, tf.zeros([3, 1, 2, 3]), tf.zeros([1]))).toThrow('expected [3, out, k, k]');
});
