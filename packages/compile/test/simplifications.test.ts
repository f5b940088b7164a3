/** What a compiler simplifies, fuses or computes by vectors has the numbers of the ops one by one. */
import * as tf from '@tensorflow/tfjs';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { CLOSE, expectSame, given } from './expectSame';
import { f32 } from './hostTensors';
import { nameOf, runsOn } from './runsOn';

const HARD = [0, 1, -1, 0.5, -0.3, 2, -2.5, 3, 41, -7, 1e-8, 1e-3, 60, -87, 1e5, -1e10, 1e30, -3e38, 1e-30];
const SPECIAL = [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
/** Some vector registers of them, in two orders. */
const all = (times: number, numbers: readonly number[]) =>
  Array.from({ length: times * numbers.length }, (_, i) => numbers[(i * 5) % numbers.length]!);
const x = f32(all(9, [...HARD, ...SPECIAL]));
const y = f32(all(9, [...SPECIAL, ...HARD]).reverse());
type Op = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor;

const OPS: Record<string, Op> = {
  'arc tangent': (v) => v.atan(),
  'arc tangent of quotients': (v, w) => tf.atan2(v, w),
  'other inverse functions': (v) => tf.stack([v.asin(), v.acos(), v.asinh(), v.acosh(), v.atanh()]),
  'a quotient by a number without a reciprocal in float32': (v) => v.div(3e38).mul(1e30),
  'quotients by one number of a tensor': (v) =>
    v.div(tf.fill([1], 3e38).mul(v.slice([1], [1]).abs())).mul(1e30),
  'a mean of equal numbers': (v) =>
    v
      .reshape([-1, 1])
      .round()
      .mul(tf.ones([1, 41]))
      .mean(1),
  'a quotient of a quotient': (v, w) => v.abs().div(w.abs().add(1e30)).div(w.mul(0).add(1e30)),
  'a quotient by a quotient': (v, w) => v.div(w.div(v.mul(0).add(1e-20))),
  'a condition by a quotient': (v, w) => v.less(w).toFloat().div(w.maximum(-80).sigmoid()),
  'a condition by a number': (v, w) => v.less(1).toFloat().div(w),
  'a root below a number, by a condition': (v, w) =>
    tf
      .grad((z) => z.sqrt().sum())(v)
      .div(w.equal(3).toFloat()),
  'an exponential of a sum with NaN': (v) => v.add(Number.NaN).exp(),
  'whether a square is at least 0': (v) => v.sqrt().square().greaterEqual(0).toFloat(),
  'whether 0 is at most an exponential': (v) => tf.lessEqual(0, v.exp()).toFloat(),
  'the gradient of an ELU of a square': (v) => tf.grad((z) => z.elu().sum())(v.sqrt().square()),
};
test.each(Object.entries(OPS))('%s', (_name, op) =>
  expectSame(given({ x, y }, ({ x: v, y: w }) => op(v, w), CLOSE)),
);

const long = f32(Array.from({ length: 8192 }, (_, i) => (i === 5000 ? Number.NaN : Math.sin(i))));
test.each([0, 1] as const)('the extremes of thousands of numbers, one of them NaN, along axis %d', (axis) =>
  expectSame(
    given({ long }, ({ long: v }) => {
      const table = axis === 0 ? v.reshape([-1, 4]) : v.reshape([4, -1]);
      return [v.max(), v.min(), table.max(axis), table.min(axis, true)];
    }),
  ),
);

whereInstalled('XLA', () => {
  test('whole quotients are whole', async () => {
    const whole = f32(Array.from({ length: 100 }, (_, i) => 41 * i));
    const step = (state: Record<string, tf.Tensor>, { x: v }: { x: tf.Tensor }) => ({
      state,
      outputs: { y: v.div(41).floor() },
    });
    const { [nameOf(0, 'output', 'y')]: y } = await runsOn('xla', {
      step,
      state: {},
      inputs: [{ x: whole }],
    });
    expect([...y!.data]).toEqual([...Array(100).keys()]);
  });
});

const rows = f32(
  Array.from({ length: 600 }, (_, i) => 200 + 3 * Math.sin(7.1 * i)),
  [2, 300],
);
const ROWS: Record<string, (v: tf.Tensor) => tf.Tensor> = {
  'less their largest': (v) => v.sub(v.max(1, true)),
  'less their largest, to a power': (v) => v.sub(v.max(1, true)).exp(),
  'in a softmax': (v) => v.softmax(),
  'in a log softmax': (v) => v.logSoftmax(),
  'in the log of a sum of exponentials': (v) => v.logSumExp(1),
};
test.each(Object.entries(ROWS))('large products %s', (_name, op) =>
  expectSame(given({ rows }, ({ rows: v }) => op(v.square().square()), CLOSE)),
);
