/** A constant that two operations use, as it is and turned around, is right for both. */
import * as tf from '@tensorflow/tfjs';
import { CLOSE, expectSame, given } from './expectSame';
import { f32 } from './hostTensors';

const numbers = (length: number) =>
  Array.from({ length }, (_, i) => Math.round(50 * Math.sin(3 * i + 1)) / 10);

describe.each([1, 2, 3, 17, 64])('square matrices of %d rows', (n) => {
  const w = tf.tensor2d(numbers(n * n), [n, n]);
  const equal = tf.tensor2d(numbers(n * n), [n, n]);
  const x = f32(numbers(2 * n), [2, n]);
  const USES: Record<string, (x: tf.Tensor) => tf.Tensor> = {
    'as it is and transposed': (v) => v.matMul(w).matMul(w, false, true),
    'with a gradient through it': (v) => tf.grad((z) => z.matMul(w).relu().sum())(v),
    'with an equal one transposed': (v) => v.matMul(w).relu().matMul(equal, false, true),
    'on the left': (v) => tf.matMul(w, v, true, true).add(tf.matMul(w, v, false, true)),
    'made inside': (v) => {
      const made = tf
        .range(0, n * n)
        .reshape([n, n])
        .mul(0.1);
      return v.matMul(made).relu().matMul(made, false, true);
    },
  };
  test.each(Object.entries(USES))('%s', (_name, f) => expectSame(given({ x }, ({ x: v }) => f(v), CLOSE)));
});

test('sums of constants alone keep their sign where their magnitude is asked for', async () => {
  const c = tf.tensor2d([0.75, 2, -2.75, 1], [2, 2]);
  await expectSame(given({ x: f32([1, 2]) }, ({ x: v }) => c.sum(0).abs().add(v), CLOSE));
  await expectSame(given({ x: f32([1, 2]) }, ({ x: v }) => c.sum(0).softplus().mul(v), CLOSE));
});

describe.each([1, 3])('square filters of a window of %d', (k) => {
  const filter = tf.tensor4d(numbers(k * k * 16), [k, k, 4, 4]);
  const x = f32(numbers(2 * 36 * 4), [2, 6, 6, 4]);
  const USES: Record<string, (x: tf.Tensor4D) => tf.Tensor> = {
    'with a gradient through it': (v) =>
      tf.grad((z) =>
        tf
          .conv2d(z as tf.Tensor4D, filter, 1, 'same')
          .relu()
          .sum(),
      )(v),
    'and its transpose': (v) =>
      tf.conv2dTranspose(tf.conv2d(v, filter, 1, 'same') as tf.Tensor4D, filter, [2, 6, 6, 4], 1, 'same'),
    'whose gradient has constants alone': (v) =>
      tf
        .grad((f) =>
          tf
            .conv2d(tf.ones<tf.Rank.R4>([2, 6, 6, 4]), f as tf.Tensor4D, 1, 'same')
            .mul(filter.sum())
            .sum(),
        )(filter)
        .mul(v.sum()),
  };
  test.each(Object.entries(USES))('%s', (_name, f) =>
    expectSame(given({ x }, ({ x: v }) => f(v as tf.Tensor4D), CLOSE)),
  );
});

describe('a filter of two grouped convolutions whose results are multiplied stays what it is', () => {
  const x = f32(numbers(2 * 16 * 3), [2, 4, 4, 3]);
  const filter = f32(numbers(2 * 2 * 3 * 2), [2, 2, 3, 2]);
  const SCALES: Record<string, readonly [(y: tf.Tensor) => tf.Tensor, (y: tf.Tensor) => tf.Tensor]> = {
    'by two numbers': [(y) => y.mul(2), (y) => y.mul(3)],
    'by one number': [(y) => y.mul(2), (y) => y.mul(2)],
    'one of them': [(y) => y.mul(2), (y) => y],
    'and divided': [(y) => y.div(2), (y) => y.div(4)],
    'by a number for each channel': [(y) => y.mul([1, 2, 3, 4, 5, 6]), (y) => y.mul([1, 2, 3, 4, 5, 6])],
    'as other sides of sums': [(y) => y.neg(), (y) => tf.sub(1, y)],
    transposed: [(y) => y.transpose([0, 3, 1, 2]).mul(2), (y) => y.transpose([0, 3, 1, 2]).mul(2)],
  };
  const cases = Object.entries(SCALES).flatMap(([name, scales]) =>
    (['input', 'constant'] as const).map((as) => [name, as, scales] as const),
  );
  test.each(cases)('%s, the filter %s', async (_name, as, [first, second]) => {
    const constant = tf.tensor4d(filter.data as Float32Array, [2, 2, 3, 2]);
    const f = (v: Record<string, tf.Tensor>) => {
      const convolved = (pad: 'same' | 'valid') =>
        tf.depthwiseConv2d(v.x as tf.Tensor4D, (v.filter ?? constant) as tf.Tensor4D, 1, pad);
      return tf.concat([first(convolved('same')).flatten(), second(convolved('valid')).flatten()]);
    };
    await expectSame(given(as === 'input' ? { x, filter } : { x }, f, CLOSE));
  });
});
