/** Functions of every element for itself, in the dtypes of TensorFlow.js's own `cpu` kernels. */
import type * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import type { ComparisonOp, UnaryOp } from '../graph/ops';
import { elu, expm1, log1p, relu6, selu, softplus } from './activations';
import { cast } from './casts';
import type { Operands, RecordKernel, RecordKernels } from './kernelParts';

type Apply = (b: GraphBuilder, x: Value) => Value;

/** Computed in float32 and given back in the dtype of the operand. */
const inFloat32 =
  (apply: Apply): RecordKernel<'x'> =>
  ({ x }, _, b) =>
    cast(b, apply(b, cast(b, x, 'float32')), x.dtype);

const ops = (names: readonly UnaryOp[], kernel: (op: UnaryOp) => RecordKernel<'x'>) =>
  Object.fromEntries(names.map((op) => [op, kernel(op)]));

const emit =
  (op: UnaryOp): Apply =>
  (b, x) =>
    b.emit(op, [x]);

/** Ops that need no fractions: of int32 they stay in it, and bools, 0 or 1, are what they are. */
const whole =
  (apply: Apply): RecordKernel<'x'> =>
  ({ x }, _, b) =>
    x.dtype === 'bool' ? x : apply(b, x);

/** Rounding a whole number changes nothing. */
const rounding =
  (op: UnaryOp): RecordKernel<'x'> =>
  ({ x }, _, b) =>
    x.dtype === 'float32' ? b.emit(op, [x]) : x;

const zeroLike = (b: GraphBuilder, x: Value) => b.scalar(0, x.dtype);

/** 0 for NaN, as JavaScript's comparisons have it. */
const sign: Apply = (b, x) => {
  const as = (condition: Value) => b.emit('Cast', [condition], { dtype: x.dtype });
  const zero = zeroLike(b, x);
  return b.emit('Sub', [as(b.emit('Greater', [x, zero])), as(b.emit('Less', [x, zero]))]);
};

/** 1 above zero, `alpha` elsewhere, NaN for NaN. */
const step: RecordKernel<'x', tf.StepAttrs> = ({ x }, { alpha }, b) => {
  const stepOf: Apply = (_, value) => {
    if (alpha === 0) return b.emit('Step', [value]);
    const below = b.emit('Where', [b.emit('LessOrEqual', [value, b.scalar(0)]), b.scalar(alpha), value]);
    return b.emit('Where', [b.emit('Greater', [value, b.scalar(0)]), b.scalar(1), below]);
  };
  return inFloat32(stepOf)({ x: x }, {}, b);
};

/** Between two bounds, which of whole numbers may be fractions or infinite: a bound is then cut to a whole number. */
const clip: RecordKernel<'x', tf.ClipByValueAttrs> = (
  { x },
  { clipValueMin: least, clipValueMax: most },
  b,
) => {
  if (x.dtype === 'float32') {
    return b.emit('Min', [b.scalar(most), b.emit('Max', [b.scalar(least), x])]);
  }
  const value = cast(b, x, 'int32');
  const int = (n: number) => b.scalar(n, 'int32');
  let clipped = value;
  if (least > -(2 ** 31)) {
    const tooSmall = b.emit('Less', [value, int(Math.ceil(least))]);
    clipped = b.emit('Where', [tooSmall, int(Math.trunc(least)), clipped]);
  }
  if (most < 2 ** 31 - 1) {
    const tooLarge = b.emit('Greater', [value, int(Math.floor(most))]);
    clipped = b.emit('Where', [tooLarge, int(Math.trunc(most)), clipped]);
  }
  return cast(b, clipped, x.dtype);
};

/** Whether it is so for a float; whole numbers are all alike. */
const test =
  (ofWhole: number, apply: Apply): RecordKernel<'x'> =>
  ({ x }, _, b) =>
    x.dtype === 'float32'
      ? apply(b, x)
      : b.emit('Broadcast', [b.scalar(ofWhole, 'bool')], { shape: x.shape });

const magnitudeIs =
  (comparison: ComparisonOp): Apply =>
  (b, x) =>
    b.emit(comparison, [b.emit('Abs', [x]), b.scalar(Number.POSITIVE_INFINITY)]);

const negate: RecordKernel<'x'> = ({ x }, _, b) => {
  if (x.dtype === 'bool') throw new Error('A bool can not be negative; cast it to int32 first.');
  return b.emit('Neg', [x]);
};

export const unaryKernels: RecordKernels = {
  ...ops(
    [
      'Sqrt',
      'Log',
      'Reciprocal',
      'Erf',
      'Tanh',
      'Sigmoid',
      'Sin',
      'Cos',
      'Tan',
      'Asin',
      'Acos',
      'Atan',
      'Sinh',
      'Cosh',
      'Asinh',
      'Acosh',
      'Atanh',
    ],
    (op) => inFloat32(emit(op)),
  ),
  ...ops(['Floor', 'Ceil', 'Round'], rounding),
  Exp: ({ x }: Operands<'x'>, _, b) => b.emit('Exp', [cast(b, x, 'float32')]),
  Expm1: inFloat32(expm1),
  Log1p: inFloat32(log1p),
  Rsqrt: inFloat32((b, x) => b.emit('Reciprocal', [b.emit('Sqrt', [x])])),
  Softplus: inFloat32(softplus),
  Elu: inFloat32(elu),
  Selu: inFloat32(selu),
  Relu: whole((b, x) => (x.dtype === 'float32' ? b.emit('Relu', [x]) : b.emit('Max', [zeroLike(b, x), x]))),
  Relu6: ({ x }: Operands<'x'>, _, b) =>
    x.dtype === 'float32' ? relu6(b, x) : clip({ x: x }, { clipValueMin: 0, clipValueMax: 6 }, b),
  Abs: whole((b, x) => b.emit('Abs', [x])),
  Square: whole((b, x) => b.emit('Mul', [x, x])),
  Sign: whole(sign),
  Neg: negate,
  Step: step,
  ClipByValue: clip,
  LogicalNot: ({ x }: Operands<'x'>, _, b) => b.emit('Not', [cast(b, x, 'bool')]),
  IsNan: test(0, (b, x) => b.emit('Not', [b.emit('Equal', [x, x])])),
  IsInf: test(0, magnitudeIs('Equal')),
  IsFinite: test(1, magnitudeIs('Less')),
};
