import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { conv2d } from '../src/conv2d';

beforeAll(() => tf.setBackend('cpu'));

const values = (n: number, seed: number) =>
  Float32Array.from({ length: n }, (_, i) => Math.sin(1.7 * i + seed));
const sizeOf = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);
const tensor = (shape: number[], seed: number) => tf.tensor(values(sizeOf(shape), seed), shape);

interface Case {
  batch: number;
  height: number;
  width: number;
  inputs: number;
  outputs: number;
  kernelHeight: number;
  kernelWidth: number;
  stride: number;
  padding: 'same' | 'valid';
}

/** The definition, with PyTorch's padding. */
function slowConv2d(c: Case, x: Float32Array, w: Float32Array, bias: Float32Array) {
  const padY = c.padding === 'same' ? (c.kernelHeight - 1) / 2 : 0;
  const padX = c.padding === 'same' ? (c.kernelWidth - 1) / 2 : 0;
  const outHeight = Math.floor((c.height + 2 * padY - c.kernelHeight) / c.stride) + 1;
  const outWidth = Math.floor((c.width + 2 * padX - c.kernelWidth) / c.stride) + 1;
  const y: number[] = [];
  for (let b = 0; b < c.batch; b++)
    for (let row = 0; row < outHeight; row++)
      for (let column = 0; column < outWidth; column++)
        for (let o = 0; o < c.outputs; o++) {
          let sum = bias[o]!;
          for (let i = 0; i < c.inputs; i++)
            for (let ky = 0; ky < c.kernelHeight; ky++)
              for (let kx = 0; kx < c.kernelWidth; kx++) {
                const [sy, sx] = [row * c.stride - padY + ky, column * c.stride - padX + kx];
                if (sy < 0 || sx < 0 || sy >= c.height || sx >= c.width) continue;
                sum +=
                  x[((b * c.height + sy) * c.width + sx) * c.inputs + i]! *
                  w[((o * c.inputs + i) * c.kernelHeight + ky) * c.kernelWidth + kx]!;
              }
          y.push(sum);
        }
  return { shape: [c.batch, outHeight, outWidth, c.outputs], y };
}

test('is the definition, for any size, odd kernel, stride and padding', () => {
  const side = fc.integer({ min: 5, max: 8 });
  const channels = fc.integer({ min: 1, max: 3 });
  const kernel = fc.constantFrom(1, 3, 5);
  const cases = fc.record<Case>({
    batch: fc.integer({ min: 1, max: 2 }),
    height: side,
    width: side,
    inputs: channels,
    outputs: channels,
    kernelHeight: kernel,
    kernelWidth: kernel,
    stride: fc.integer({ min: 1, max: 3 }),
    padding: fc.constantFrom('same', 'valid'),
  });
  fc.assert(
    fc.property(cases, (c) => {
      const x = tensor([c.batch, c.height, c.width, c.inputs], 1);
      const w = tensor([c.outputs, c.inputs, c.kernelHeight, c.kernelWidth], 2);
      const bias = tensor([c.outputs], 3);
      const y = conv2d(x, w, bias, { stride: c.stride, padding: c.padding });
      const read = (t: tf.Tensor) => t.dataSync() as Float32Array;
      const expected = slowConv2d(c, read(x), read(w), read(bias));
      expect(y.shape).toEqual(expected.shape);
      const error = Math.max(...read(y).map((value, i) => Math.abs(value - expected.y[i]!)));
      expect(error).toBeLessThan(1e-5);
    }),
    { seed: 1, numRuns: 40 },
  );
});

test.each([
  [3, 1, 'same'],
  [1, 1, 'same'],
  [3, 2, 'same'],
  [2, 2, 'valid'],
] as const)(
  'gradients, kernel %d, stride %d, %s: convolution is linear in each argument',
  (k, stride, padding) => {
    const x = tensor([2, 4, 5, 2], 1);
    const w = tensor([3, 2, k, k], 2);
    const b = tensor([3], 3);
    const dy = tensor(conv2d(x, w, b, { stride, padding }).shape, 4);
    const f = (...args: tf.Tensor[]) =>
      tf.sum(tf.mul(conv2d(args[0]!, args[1]!, args[2], { stride, padding }), dy)) as tf.Scalar;
    const gradients = tf.grads(f as (...args: tf.Tensor[]) => tf.Scalar)([x, w, b]);
    [x, w, b].forEach((at, which) => {
      const direction = tensor(at.shape, 5 + which);
      const moved = (sign: number) =>
        f(...[x, w, b].map((t, i) => (i === which ? tf.add(t, tf.mul(direction, sign)) : t))).dataSync()[0]!;
      // Central differences with a step of one are exact for a linear function.
      const slope = (moved(1) - moved(-1)) / 2;
      expect(gradients[which]!.shape).toEqual(at.shape);
      expect(tf.sum(tf.mul(gradients[which]!, direction)).dataSync()[0]! - slope).toBeCloseTo(0, 4);
    });
  },
);

test('leaves no tensor behind but the result', () => {
  const [x, w, b] = [tensor([1, 4, 4, 2], 1), tensor([3, 2, 3, 3], 2), tensor([3], 3)];
  const before = tf.memory().numTensors;
  conv2d(x, w, b).dispose();
  conv2d(x, w).dispose();
  expect(tf.memory().numTensors).toBe(before);
});

test('shapes that do not fit are refused', () => {
  const x = tf.zeros([1, 4, 4, 2]);
  expect(() => conv2d(tf.zeros([4, 4, 2]), tf.zeros([3, 2, 3, 3]))).toThrow('conv2d input is [4,4,2]');
  expect(() => conv2d(x, tf.zeros([3, 3, 2, 3]))).toThrow('expected [out, 2, height, width]');
  expect(() => conv2d(x, tf.zeros([3, 2, 3, 3]), tf.zeros([2]))).toThrow('bias is [2]; expected [3]');
  expect(() => conv2d(x, tf.zeros([3, 2, 2, 2]))).toThrow("no 'same' padding");
});
