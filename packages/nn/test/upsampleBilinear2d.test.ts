import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { resizeGrid } from '../src/resizeGrid';
import { upsampleBilinear2d } from '../src/upsampleBilinear2d';

beforeAll(() => tf.setBackend('cpu'));

test('equals the resampling of a grid, whose numbers are torch’s', () => {
  const side = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(side, side, fc.integer({ min: 1, max: 5 }), (height, width, factor) => {
      const x = tf.sin(tf.range(0, 2 * height * width * 3)).reshape([2, height, width, 3]);
      const y = upsampleBilinear2d(x, factor);
      expect(y.shape).toEqual([2, height * factor, width * factor, 3]);
      tf.unstack(x).forEach((image, b) => {
        const expected = resizeGrid(
          image.dataSync() as Float32Array,
          [height, width, 3],
          [height * factor, width * factor],
          { method: 'bilinear' },
        );
        const actual = tf.unstack(y)[b]!.dataSync();
        expected.forEach((value, i) => {
          expect(actual[i]).toBeCloseTo(value, 5);
        });
      });
    }),
    { seed: 1, numRuns: 30 },
  );
});

test.each([2, 4])('its gradient is its transpose, factor %i', (factor) => {
  const x = tf.sin(tf.range(0, 72)).reshape([2, 3, 4, 3]);
  const dy = tf.cos(tf.range(0, 72 * factor ** 2)).reshape([2, 3 * factor, 4 * factor, 3]);
  const f = (v: tf.Tensor) => tf.sum(tf.mul(upsampleBilinear2d(v, factor), dy)) as tf.Scalar;
  // <A x, dy> = <x, A' dy>, since upsampling is linear.
  const along = tf.sum(tf.mul(tf.grad(f)(x), x)).dataSync()[0]!;
  expect(along).toBeCloseTo(f(x).dataSync()[0]!, 3);
});

test('other ranks and factors are refused', () => {
  expect(() => upsampleBilinear2d(tf.zeros([4, 4, 1]))).toThrow('upsampleBilinear2d input is [4,4,1]');
  expect(() => upsampleBilinear2d(tf.zeros([1, 4, 4, 1]), 1.5)).toThrow('factor is 1.5');
});
