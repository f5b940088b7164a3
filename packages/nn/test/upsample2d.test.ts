import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { upsample2d } from '../src/upsample2d';

beforeAll(() => tf.setBackend('cpu'));

const side = fc.integer({ min: 1, max: 4 });
const images = fc.record({ height: side, width: side, factor: fc.integer({ min: 1, max: 3 }) });

test('repeats every pixel', () => {
  fc.assert(
    fc.property(images, ({ height, width, factor }) => {
      const x = tf.range(0, 2 * height * width * 3).reshape([2, height, width, 3]) as tf.Tensor4D;
      const y = upsample2d(x, factor);
      expect(y.shape).toEqual([2, height * factor, width * factor, 3]);
      const [from, to] = [x.arraySync(), y.arraySync() as number[][][][]];
      to.forEach((image, b) => {
        image.forEach((row, i) => {
          row.forEach((pixel, j) => {
            expect(pixel).toEqual(from[b]![Math.floor(i / factor)]![Math.floor(j / factor)]);
          });
        });
      });
    }),
    { seed: 1, numRuns: 20 },
  );
});

test('the gradient of a pixel is the sum over its copies (upsampling is linear)', () => {
  // Two images, not square: TensorFlow.js's own gradient is right for one image only.
  const x = tf.sin(tf.range(0, 48)).reshape([2, 2, 4, 3]);
  const dy = tf.cos(tf.range(0, 192)).reshape([2, 4, 8, 3]);
  const f = (v: tf.Tensor) => tf.sum(tf.mul(upsample2d(v), dy)) as tf.Scalar;
  const direction = tf.sin(tf.mul(tf.range(0, 48), 3)).reshape([2, 2, 4, 3]);
  const at = (step: number) => f(tf.add(x, tf.mul(direction, step))).dataSync()[0]!;
  expect(tf.sum(tf.mul(tf.grad(f)(x), direction)).dataSync()[0]! - (at(1) - at(-1)) / 2).toBeCloseTo(0, 4);
});

test('other ranks and factors are refused', () => {
  expect(() => upsample2d(tf.zeros([4, 4, 1]))).toThrow('upsample2d input is [4,4,1]');
  expect(() => upsample2d(tf.zeros([1, 4, 4, 1]), 1.5)).toThrow('factor is 1.5');
});
