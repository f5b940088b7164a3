import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { adaptiveAveragePool2d, resizeBilinear2d } from '../src/gridResampling';
import { resizeGrid } from '../src/resizeGrid';

beforeAll(() => tf.setBackend('cpu'));

const waves = (...shape: number[]) =>
  tf
    .sin(
      tf.range(
        0,
        shape.reduce((a, b) => a * b),
      ),
    )
    .reshape(shape);
const side = fc.integer({ min: 1, max: 7 });

test('resizing equals that of a grid, whose numbers are torch’s, up, down and by any factor', () => {
  fc.assert(
    fc.property(side, side, side, side, (height, width, rows, columns) => {
      const x = waves(2, height, width, 3);
      const y = resizeBilinear2d(x, [rows, columns]);
      expect(y.shape).toEqual([2, rows, columns, 3]);
      tf.unstack(x).forEach((image, b) => {
        const grid = image.dataSync() as Float32Array;
        const expected = resizeGrid(grid, [height, width, 3], [rows, columns], { method: 'bilinear' });
        const actual = tf.unstack(y)[b]!.dataSync();
        expected.forEach((value, i) => {
          expect(actual[i]).toBeCloseTo(value, 5);
        });
      });
    }),
    { seed: 1, numRuns: 40 },
  );
});

// torch 2.15: F.interpolate(x, size=(1, n), mode=method, antialias=True); the numbers of bicubic are of another cubic than without.
test.each([
  ['bicubic', [1.447581, 3.998779, 4.112903]],
  ['bicubic', [-0.142012, 2.178572, 2.01509, 2.00686, 7, 2.784637, 3.502058, 4.892857, 3.952663]],
  ['bilinear', [1.5, 4.058824, 4]],
  ['bilinear', [0, 2, 2.111111, 2.333334, 7, 3.111112, 3.666667, 4.666667, 4]],
] as const)('%s with antialiasing is torch’s, at %j', (method, expected) => {
  const line = Float32Array.of(0, 3, 1, 7, 2, 5, 4);
  const resized = resizeGrid(line, [1, 7, 1], [1, expected.length], { method, antialias: true });
  expected.forEach((value, i) => {
    expect(resized[i]).toBeCloseTo(value, 5);
  });
  const both = { method, antialias: true, alignCorners: true };
  expect(() => resizeGrid(line, [1, 7, 1], [1, 3], both)).toThrow('do not go together');
});

test('averages are those of the parts, which overlap as torch’s do', () => {
  fc.assert(
    fc.property(side, side, side, (height, width, parts) => {
      const x = waves(2, height, width, 3);
      const y = adaptiveAveragePool2d(x, parts);
      expect(y.shape).toEqual([2, parts, parts, 3]);
      const part = (i: number, size: number) => {
        const begin = Math.floor((i * size) / parts);
        return [begin, Math.ceil(((i + 1) * size) / parts) - begin] as const;
      };
      for (let i = 0; i < parts; i++) {
        for (let j = 0; j < parts; j++) {
          const [[top, rows], [left, columns]] = [part(i, height), part(j, width)];
          const mean = tf.mean(tf.slice(x, [0, top, left, 0], [2, rows, columns, 3]), [1, 2]);
          const actual = tf.reshape(tf.slice(y, [0, i, j, 0], [2, 1, 1, 3]), [2, 3]);
          expect(tf.max(tf.abs(tf.sub(actual, mean))).dataSync()[0]).toBeLessThan(1e-6);
        }
      }
    }),
    { seed: 1, numRuns: 30 },
  );
});

test('a grid of 5 in 3 parts: the middle one has three, its neighbours begin and end in it', () => {
  const x = tf.tensor4d([1, 2, 4, 8, 16], [1, 5, 1, 1]);
  const [first, middle, last] = adaptiveAveragePool2d(x, 3)
    .dataSync()
    .filter((_, i) => i % 3 === 0);
  expect([first, middle, last]).toEqual([1.5, expect.closeTo((2 + 4 + 8) / 3, 5), 12]);
});

test.each([
  ['resizing', (x: tf.Tensor) => resizeBilinear2d(x, [5, 3])],
  ['averaging', (x: tf.Tensor) => adaptiveAveragePool2d(x, 3)],
])('the gradient of %s is its transpose', (_, op) => {
  const x = waves(2, 4, 4, 3);
  const dy = tf.cos(tf.range(0, op(x).size)).reshape(op(x).shape);
  const f = (v: tf.Tensor) => tf.sum(tf.mul(op(v), dy)) as tf.Scalar;
  const along = tf.sum(tf.mul(tf.grad(f)(x), x)).dataSync()[0]!;
  expect(along).toBeCloseTo(f(x).dataSync()[0]!, 3);
});

test('other ranks and sizes are refused', () => {
  expect(() => resizeBilinear2d(tf.zeros([4, 4, 1]), [2, 2])).toThrow('resizeBilinear2d input is [4,4,1]');
  expect(() => resizeBilinear2d(tf.zeros([1, 4, 4, 1]), [2, 1.5])).toThrow('resizeBilinear2d size is 1.5');
  expect(() => adaptiveAveragePool2d(tf.zeros([1, 4, 4, 1]), 0)).toThrow('adaptiveAveragePool2d size is 0');
});
