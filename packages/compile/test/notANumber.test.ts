/** What is no number, or infinite, comes out as eager TensorFlow.js has it: a training run must see that it diverged. */
import * as tf from '@tensorflow/tfjs';
import { CLOSE, expectSame, given } from './expectSame';
import { f32 } from './hostTensors';

const SPECIAL = [3, Number.NaN, 2, -1, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 0.5];
/** More than a vector register of them, and some left over. */
const x = f32([...SPECIAL, 1, 2, ...SPECIAL, 4]);
const y = f32([...SPECIAL.slice(3), 1, 2, ...SPECIAL, 4, 5, 6, 7]);
type Op = (x: tf.Tensor, y: tf.Tensor) => tf.Tensor;

const UNARY =
  'relu relu6 exp log sqrt tanh sigmoid erf abs neg sign floor ceil round softplus elu selu leakyRelu reciprocal ' +
  'rsqrt square expm1 log1p step atan sinh cosh asinh isNaN isInf isFinite';

const OPS: Record<string, Op> = {
  // biome-ignore lint/performance/noDynamicNamespaceImportAccess: a test is not bundled
  ...Object.fromEntries(UNARY.split(' ').map((name) => [name, (v) => tf[name as 'relu'](v)])),
  'maximum of a number': (v) => v.maximum(0.25),
  'maximum with a number': (v) => tf.maximum(0.25, v),
  'minimum of a number': (v) => v.minimum(0.25),
  'minimum with a number': (v) => tf.minimum(0.25, v),
  'bounds of bounds': (v) => tf.minimum(2, tf.maximum(-2, v)).maximum(-1),
  clip: (v) => v.clipByValue(-1, 1),
  'maximum of two': (v, w) => v.maximum(w),
  'minimum of two': (v, w) => v.minimum(w),
  greater: (v, w) => v.greater(w),
  greaterEqual: (v, w) => v.greaterEqual(w),
  less: (v, w) => v.less(w),
  lessEqual: (v, w) => v.lessEqual(w),
  equal: (v) => v.equal(v),
  notEqual: (v) => v.notEqual(v),
  softmax: (v) => v.slice([0], [18]).reshape([6, 3]).softmax(),
  logSoftmax: (v) => v.slice([0], [18]).reshape([6, 3]).logSoftmax(),
  'log of the sum of exponentials': (v) => v.slice([0], [18]).reshape([6, 3]).logSumExp(1),
  'largest of each row': (v) => v.slice([0], [18]).reshape([3, 6]).max(1),
  'smallest of each column': (v) => v.slice([0], [18]).reshape([6, 3]).min(0, true),
  'extremes of infinite numbers alone': (v) => {
    const row = v.slice([0], [3]).mul(0).add(1).sub(Number.POSITIVE_INFINITY);
    return tf.stack([row.slice([0], [1]).max(), row.slice([2], [1]).neg().min()]);
  },
  sum: (v) => v.sum(),
  mean: (v) => v.slice([0], [18]).reshape([6, 3]).mean(1),
  'sums of products with factors of channels': (v) => {
    const image = v
      .slice([0], [16])
      .reshape([16, 1])
      .mul(tf.ones([16, 20]))
      .reshape([320, 1]);
    const scales = tf.tensor1d([2, Number.NaN, -0.5]);
    return tf.stack([image.mul(scales).sum(0), image.mul(0).sub(1).div(scales).sum(0)]);
  },
  'sums of deviations': (v) => tf.stack([v.sub(v.mean()).sum(), v.isNaN().toFloat().mul(0).sum()]),
  'to whole numbers': (v) => v.mul(1e9).toInt(),
  'to bools': (v) => v.toBool(),
  'a product with NaN, and a sum': (v) => v.mul(Number.NaN).add(1),
  'a product with a vector of NaN, and a sum': (v) =>
    v
      .slice([0], [4])
      .mul(tf.tensor1d([1, Number.NaN, 2, Number.NaN]))
      .add(1),
  'a product with a condition': (v) => v.mul(v.less(10).toFloat()),
  'a choice': (v, w) => tf.where(v.less(10), v, w),
  'a power': (v) => v.abs().pow(1.5),
  remainder: (v) => v.mod(2),
  'remainder of large and small numbers': (v, w) => v.add(3).mul(2e9).mod(w.mul(7)),
  'remainder by one number': (v, w) =>
    v
      .mul(7.3)
      .mod(w.slice([1], [1]))
      .add(v.mod(w.max())),
  'remainder of the largest': (v, w) => v.mul(1e38).mod(w.mul(3e37)),
  'remainder by a negative number': (v) => v.mul(7.3).mod(-2.5),
  'division towards minus infinity': (v) => tf.floorDiv(v.mul(7), 2),
  'the gradient of a ReLU that gets NaN': (v) => tf.grad((z) => z.relu().mul(Number.NaN).sum())(v),
  'the gradient of a ReLU': (v) => tf.grad((z) => z.relu().mul(2).sum())(v),
  'the gradient of a ReLU that gets an infinite one': (v) => tf.grad((z) => z.relu().mul(1e300).sum())(v),
  'the gradient of an absolute value': (v) => tf.grad((z) => z.abs().sum())(v),
  'the gradient of a maximum': (v, w) => tf.grad((z) => z.maximum(w).sum())(v),
  'a loss': (v) => tf.losses.softmaxCrossEntropy(tf.oneHot([0, 2, 1], 6), v.slice([0], [18]).reshape([3, 6])),
};

test.each(Object.entries(OPS))('%s', (_name, op) =>
  expectSame(given({ x, y }, ({ x: v, y: w }) => op(v, w), CLOSE)),
);

const image = f32(
  Array.from({ length: 2 * 9 * 9 * 4 }, (_, i) => (i === 7 ? Number.NaN : Math.sin(i))),
  [2, 9, 9, 4],
);
const filter = tf.tensor4d(
  Array.from({ length: 9 * 4 * 8 }, (_, i) => Math.cos(i)),
  [3, 3, 4, 8],
);
const AFTER: Record<string, (z: tf.Tensor) => tf.Tensor> = {
  'a ReLU': (z) => z.relu(),
  'a bounded ReLU': (z) => z.add(tf.range(0, 8)).relu6(),
  'an exponential': (z) => z.add(tf.range(0, 8)).exp(),
  'a sigmoid': (z) => z.mul(z.sigmoid()),
  'a softmax': (z) => z.softmax(),
};
test.each(Object.entries(AFTER))('%s after a convolution and after a product', async (_name, f) => {
  await expectSame(
    given({ x: image }, ({ x: v }) => f(tf.conv2d(v as tf.Tensor4D, filter, 1, 'same')), CLOSE),
  );
  await expectSame(
    given({ x: image }, ({ x: v }) => f(v.reshape([-1, 36]).matMul(filter.reshape([36, 8]))), CLOSE),
  );
});

test('small numbers keep their digits', async () => {
  const small = f32([1e-8, -1e-8, 1e-5, -1e-5, 1e-3, 0, -0]);
  await expectSame(given({ x: small }, ({ x: v }) => v.log1p().mul(1e8), CLOSE));
  await expectSame(given({ x: small }, ({ x: v }) => v.expm1().mul(1e8), CLOSE));
  await expectSame(given({ x: small }, ({ x: v }) => v.elu().mul(1e8), CLOSE));
  const far = f32([-30, -20, -13, -5]);
  await expectSame(given({ x: far }, ({ x: v }) => v.sigmoid().log(), CLOSE));
  await expectSame(given({ x: far }, ({ x: v }) => v.softplus().log(), CLOSE));
});
