import * as tf from '@tensorflow/tfjs';
import { expectSameSteps } from './expectSameSteps';
import { numbers } from './hostTensors';

type Op = (x: tf.Tensor) => tf.Tensor;

/** Ops of one tensor [2, 3, 4, 4]; each is compared with the eager one, and so is its gradient where it has one. */
const DIFFERENTIABLE: Record<string, Op> = {
  abs: (x) => x.abs(),
  'sin and cos': (x) => x.sin().add(x.cos()),
  'tan and atan': (x) => x.tan().add(x.atan()),
  'asin and acos': (x) => x.mul(0.9).asin().add(x.mul(0.5).acos()),
  'sinh, cosh and their inverses': (x) =>
    x.sinh().cosh().asinh().add(x.abs().add(1.5).acosh()).add(x.mul(0.9).atanh()),
  exponentials: (x) => x.exp().add(x.expm1()).add(x.abs().add(1).log()).add(x.abs().log1p()),
  'sqrt, rsqrt and reciprocal': (x) =>
    x.abs().add(0.5).sqrt().add(x.abs().add(0.5).rsqrt()).add(x.add(2).reciprocal()),
  sigmoid: (x) => x.sigmoid(),
  tanh: (x) => x.tanh(),
  softplus: (x) => x.softplus(),
  erf: (x) => x.erf(),
  'relu, relu6, elu, selu and leakyRelu': (x) =>
    x.relu().add(x.mul(9).relu6()).add(x.elu()).add(x.selu()).add(x.leakyRelu(0.2)),
  prelu: (x) => tf.prelu(x, tf.tensor1d([0.1, 0.2, 0.3, 0.4])),
  clip: (x) => x.clipByValue(-0.5, 0.5),
  powers: (x) =>
    x
      .square()
      .add(x.abs().pow(1.5))
      .add(tf.pow(x.abs().add(0.1), 0.5))
      .add(x.pow(2)),
  arithmetic: (x) => x.add(1).sub(x.mul(3)).div(x.add(4)).maximum(x).minimum(0.7),
  'squared difference': (x) => tf.squaredDifference(x, x.mul(0.3)),
  negation: (x) => x.neg().add(x.neg().neg()).sub(x.mul(2).neg()).add(tf.sub(0, x)),
  broadcasting: (x) => x.mul(tf.tensor1d([1, 2, 3, 4])).add(x.slice([0, 0, 0, 0], [1, 3, 1, 4])),
  sums: (x) => x.sum([0, 2], true).add(x.sum(3, true)).add(x.sum()),
  'sums of squares': (x) =>
    x
      .square()
      .sum()
      .add(x.reshape([6, 16]).square().sum())
      .add(x.square().sum(1)),
  'sums of three axes to two': (x) =>
    x
      .reshape([2, 12, 4])
      .sum(0)
      .add(x.reshape([12, 2, 4]).sum(1)),
  means: (x) => x.mean([1]).add(x.mean([1, 3], true).reshape([2, 4, 1])),
  extremes: (x) => x.max(3, true).add(x.min([2, 3], true)),
  softmax: (x) => x.softmax(),
  'log softmax': (x) => x.logSoftmax(),
  'log-sum-exp': (x) => x.logSumExp(1),
  'transposes and reshapes': (x) =>
    x.transpose([3, 0, 2, 1]).reshape([8, 12]).transpose().reshape([2, 3, 16]),
  'slices, splits and concatenations': (x) => {
    const [a, b] = tf.split(x, 2, 3);
    return tf.concat(
      [
        b!,
        a!,
        x.slice([0, 1, 0, 2], [-1, 2, -1, 2]).pad([
          [0, 0],
          [1, 0],
          [0, 0],
          [0, 0],
        ]),
      ],
      3,
    );
  },
  'stack and unstack': (x) => tf.stack(tf.unstack(x, 1).reverse(), 2),
  reverse: (x) => x.reverse([1, 3]),
  tile: (x) => x.tile([1, 2, 1, 3]),
  pad: (x) =>
    x.pad(
      [
        [0, 1],
        [2, 0],
        [1, 1],
        [0, 0],
      ],
      0.5,
    ),
  'expandDims and squeeze': (x) => x.expandDims(2).squeeze().sum(0, true).squeeze([0]),
  gather: (x) =>
    x.gather(
      tf.tensor2d(
        [
          [2, 0],
          [2, 1],
        ],
        [2, 2],
        'int32',
      ),
      1,
    ),
  where: (x) => tf.where(tf.range(0, 4).greater(1).tile([24]).reshape(x.shape), x.mul(2), x.neg()),
  cumsum: (x) => x.cumsum(3),
  'matrix products': (x) =>
    tf
      .matMul(x, x, true, false)
      .add(tf.matMul(x, x, false, true))
      .add(tf.matMul(x.transpose([0, 1, 3, 2]), x)),
  'matrix product of flattened rows': (x) => tf.matMul(x.reshape([6, 16]), x.reshape([16, 6]), true, true),
  'average pooling': (x) => tf.avgPool(x as tf.Tensor4D, [1, 2], [1, 2], 'valid'),
  'max pooling': (x) => tf.maxPool(x as tf.Tensor4D, [1, 2], [1, 2], 'valid'),
  'max pooling with pixels left over': (x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid'),
  'max pooling with pads': (x) => tf.maxPool(x as tf.Tensor4D, 2, 2, 'same'),
  'max pooling with gaps': (x) => tf.maxPool(x as tf.Tensor4D, [1, 2], [2, 3], 'valid'),
  'max pooling of equal values': (x) => tf.maxPool(x.relu() as tf.Tensor4D, [3, 2], [3, 2], 'valid'),
  'batch norm': (x) =>
    tf.batchNorm(
      x,
      x.mean([0, 1, 2]),
      x.square().mean([0, 1, 2]),
      tf.tensor1d([1, 2, 3, 4]),
      tf.tensor1d([4, 3, 2, 1]),
      1e-3,
    ),
  'local norm of constants': (x) =>
    x
      .mul(
        tf
          .ones([4])
          .mul(2)
          .add(tf.zeros([3, 1, 4])),
      )
      .sum(),
};

const NOT_DIFFERENTIABLE: Record<string, Op> = {
  rounding: (x) => x.mul(3).floor().add(x.mul(3).ceil()).add(x.mul(3).round()).add(x.sign()),
  'comparisons and logic': (x) =>
    tf
      .logicalOr(tf.logicalAnd(x.greater(0), x.less(0.5)), tf.logicalNot(x.lessEqual(0.8)))
      .toFloat()
      .add(x.notEqual(0).toFloat())
      .add(x.greaterEqual(-0.3).toFloat()),
  'strided slice': (x) => x.stridedSlice([0, 0, 1, 0], [2, 3, 4, 4], [1, 2, 2, 1]),
  'any and all': (x) => x.greater(0.9).any(3).toFloat().add(x.greater(-0.9).all(3).toFloat()),
  argmax: (x) => x.argMax(3).toFloat().add(x.argMin(3).toFloat()),
  'argmax: the first of equal values': (x) => {
    const levels = x.mul(1.2).round();
    const [rows, columns] = [levels.reshape([2, 48]), levels.reshape([48, 2])];
    return tf.stack([rows.argMax(1), rows.argMin(1), columns.argMax(0), columns.argMin(0)]).toFloat();
  },
  'one-hot': (x) => tf.oneHot(x.abs().mul(5).toInt(), 5).toFloat(),
  'one-hot with other values': (x) => tf.oneHot(x.abs().mul(5).toInt().flatten(), 5, 2, -1).toFloat(),
  'whole-number division': (x) =>
    tf
      .floorDiv(x.mul(20).toInt(), tf.scalar(3, 'int32'))
      .toFloat()
      .add(tf.mod(x.mul(9), 2)),
  'depthwise convolution': (x) =>
    tf.depthwiseConv2d(x as tf.Tensor4D, tf.range(0, 72).reshape([3, 3, 4, 2]) as tf.Tensor4D, 1, 'same'),
  'bilinear resizing': (x) =>
    tf.image
      .resizeBilinear(x as tf.Tensor4D, [6, 8], false, true)
      .flatten()
      .concat(tf.image.resizeBilinear(x as tf.Tensor4D, [5, 3], false, true).flatten()),
  'fused convolution and matrix product': (x) =>
    tf.fused
      .conv2d({
        x: x as tf.Tensor4D,
        filter: tf.range(0, 36).reshape([3, 3, 4, 1]).mul(0.1) as tf.Tensor4D,
        strides: 1,
        pad: 'same',
        bias: tf.tensor1d([0.3]),
        activation: 'relu',
      })
      .reshape([6, 4])
      .add(
        tf.fused.matMul({
          a: x.reshape([6, 16]) as tf.Tensor2D,
          b: tf.ones([16, 4]) as tf.Tensor2D,
          bias: tf.tensor1d([1, 2, 3, 4]),
          activation: 'sigmoid',
        }),
      ),
  'constants of every kind': (x) =>
    x
      .add(tf.linspace(0, 1, 4))
      .add(tf.range(0, 8, 2))
      .add(tf.fill([4, 4], 0.5))
      .add(tf.eye(4)),
  'finite or not': (x) =>
    tf
      .isFinite(x.div(x.floor()))
      .toFloat()
      .add(tf.isNaN(x.sqrt()).toFloat())
      .add(tf.isInf(x.div(0)).toFloat()),
};

const inputs = { x: numbers([2, 3, 4, 4], 3) };

test.each(Object.entries(DIFFERENTIABLE))('%s, and its gradient', async (_name, op) => {
  const weighted = (x: tf.Tensor) => {
    const y = op(x);
    return y.mul(tf.range(0, y.size).reshape(y.shape).mul(0.1).cos()).sum().asScalar();
  };
  await expectSameSteps(
    (state: Record<string, tf.Tensor>, { x }: Record<string, tf.Tensor>) => ({
      state,
      outputs: { value: op(x!), gradient: tf.grad(weighted)(x!) },
    }),
    {},
    inputs,
    { steps: 1 },
  );
});

test.each(Object.entries(NOT_DIFFERENTIABLE))('%s', async (_name, op) => {
  await expectSameSteps(
    (state: Record<string, tf.Tensor>, { x }: Record<string, tf.Tensor>) => ({
      state,
      outputs: { value: op(x!) },
    }),
    {},
    inputs,
    { steps: 1 },
  );
});
