/** int32 and bool come out as eager TensorFlow.js has them, beyond 2^24 and modulo 2^32 too. */
import * as tf from '@tensorflow/tfjs';
import { tracingEngines } from './compiledEngines';
import { CLOSE, differences, expectSame, given } from './expectSame';
import { i32 } from './hostTensors';

const LARGEST = 2 ** 31 - 1;
const a = i32([2 ** 24 + 1, -(2 ** 24) - 1, LARGEST, -LARGEST - 1, 123456789, 5, -7, 0, 1e9 + 7, -9, 1, -1]);
const b = i32([2 ** 24, -(2 ** 24) - 2, LARGEST - 1, -LARGEST, 1, -2, 2, 3, 1e9 + 6, 0, 0, LARGEST]);
type Op = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor;
const small = (x: tf.Tensor) =>
  x.sub(tf.mul(tf.floorDiv(x, tf.scalar(100, 'int32')), tf.scalar(100, 'int32')));

const OPS: Record<string, Op> = {
  add: (x, y) => x.add(y),
  sub: (x, y) => x.sub(y),
  maximum: (x, y) => x.maximum(y),
  minimum: (x, y) => x.minimum(y),
  equal: (x, y) => x.equal(y),
  notEqual: (x, y) => x.notEqual(y),
  greater: (x, y) => x.greater(y),
  greaterEqual: (x, y) => x.greaterEqual(y),
  less: (x, y) => x.less(y),
  lessEqual: (x, y) => x.lessEqual(y),
  'equal to a large number': (x) => x.equal(tf.scalar(2 ** 24, 'int32')),
  'equal to a small number': (x) => x.equal(tf.scalar(5, 'int32')),
  'a choice': (x, y) => tf.where(x.less(y), x, y),
  'a choice of a number': (x, y) => tf.where(x.less(y), x, tf.scalar(LARGEST - 2, 'int32')),
  neg: (x) => x.neg(),
  sign: (x) => x.sign(),
  relu: (x) => x.relu(),
  step: (x) => x.step(),
  clip: (x) => x.clipByValue(-100, LARGEST - 1),
  'clip by fractions': (x) => x.clipByValue(-1.5, 2.5),
  round: (x) => x.round(),
  'largest and smallest': (x) => tf.stack([x.max(), x.min()]),
  'largest of rows': (x) => x.reshape([3, 4]).max(1),
  sum: (x) => x.sum(),
  'sums of columns': (x) => x.reshape([4, 3]).sum(0, true),
  'place of the largest': (x) => tf.stack([x.argMax(0), x.argMin(0)]),
  mean: (x) => x.reshape([3, 4]).mean(1),
  moments: (x) => tf.moments(small(x)).variance,
  'division towards minus infinity': (x, y) => tf.floorDiv(x, y),
  'division by a number': (x) => tf.floorDiv(x, tf.scalar(-7, 'int32')),
  'division of whole numbers': (x, y) => x.div(y),
  remainder: (x, y) => x.mod(y),
  'remainder by a number': (x) => x.mod(tf.scalar(10, 'int32')),
  'to float32 and back': (x) => small(x).toFloat().mul(1.5).toInt(),
  'to bool': (x) => x.toBool(),
  'not and logic': (x, y) => x.toBool().logicalNot().logicalOr(y.toBool()),
  'any and all': (x) => tf.stack([x.toBool().any(), x.toBool().all()]),
  'a product of bools': (x, y) => x.toBool().mul(y.toBool()),
  'bools compared': (x, y) => x.toBool().less(y.toBool()),
  'a sum of bools': (x) => x.toBool().sum(),
  'a mean of bools': (x) => x.toBool().mean(),
  'running sums': (x) => x.cumsum(0),
  'what moves': (x, y) =>
    tf.concat([x.reverse(0), y.slice([1], [3]), tf.stack([x, y], 1).transpose().reshape([24])], 0),
  'padded with a large number': (x) => x.pad([[1, 2]], 2 ** 24 + 1),
  'small matrix products': (x, y) =>
    tf.matMul(small(x).reshape([3, 4]), small(y).reshape([3, 4]), false, true),
  exponentials: (x) => small(x).exp(),
  'leaky ReLU': (x) => tf.leakyRelu(small(x)),
  'powers of small numbers': (x) => x.mod(tf.scalar(5, 'int32')).pow(tf.scalar(3, 'int32')),
  accuracy: (x, y) =>
    tf
      .stack([x, y, x])
      .argMax(-1)
      .equal(tf.tensor1d([2, 11, 2], 'int32'))
      .mean(),
  'binary accuracy': (x, y) => tf.metrics.binaryAccuracy(x.toBool().toFloat(), y.toBool().toFloat()),
};

test.each(Object.entries(OPS))('%s', (_name, op) =>
  expectSame(given({ x: a, y: b }, ({ x, y }) => op(x, y), CLOSE)),
);

test('exactly where TensorFlow.js goes through floating-point numbers', async () => {
  const [x, y] = [i32([LARGEST, 2 ** 24 + 1, -(2 ** 24) - 1]), i32([LARGEST, LARGEST, 3])];
  const products = [0, 1, 2].map((i) => Math.imul(x.data[i]!, y.data[i]!));
  const right = (data: readonly number[], shape?: readonly number[]) => ({
    expected: { y: i32(data, shape) },
  });
  const squares = [...x.data].map((n) => Math.imul(n, n));
  const sum = products.reduce((total, n) => (total + n) | 0);
  await expectSame(given({ x, y }, ({ x: v, y: w }) => v.mul(w), right(products)));
  await expectSame(given({ x }, ({ x: v }) => v.square(), right(squares)));
  await expectSame(given({ x }, ({ x: v }) => v.abs(), right([...x.data].map(Math.abs))));
  await expectSame(given({ x, y }, ({ x: v, y: w }) => v.dot(w), right([sum], [])));
});

test('what no bool can hold is refused', async () => {
  const found = await differences(given({ x: a }, ({ x }) => x.toBool().add(x.toBool())));
  for (const engine of await tracingEngines())
    expect(found[engine]).toMatch('does not fit a bool; cast the operands to int32');
});
