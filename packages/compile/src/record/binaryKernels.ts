/** Arithmetic, comparisons and logic of two tensors, in the dtypes of TensorFlow.js's own `cpu` kernels. */
import type * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import type { ArithmeticOp, ComparisonOp } from '../graph/ops';
import { scalarConstant } from '../passes/algebraRules';
import { leakyRelu } from './activations';
import { cast, commonDtype } from './casts';
import type { Operands, RecordKernel, RecordKernels } from './kernelParts';
import { floorDivide, floorRemainder, wholePower } from './wholeNumbers';

type Apply = (b: GraphBuilder, x: Value, y: Value) => Value;

const emit =
  (op: ArithmeticOp | ComparisonOp): Apply =>
  (b, x, y) =>
    b.emit(op, [x, y]);

const beyondBool: Apply = () => {
  throw new Error('The result does not fit a bool; cast the operands to int32 first.');
};

/** In the dtype that loses nothing of either operand, given back in that of the first. */
const arithmetic =
  (ofFloats: Apply, ofWhole: Apply = ofFloats, ofBools: Apply = beyondBool): RecordKernel<'a' | 'b'> =>
  ({ a, b: other }, _, b) => {
    const dtype = commonDtype(a, other);
    const apply = { float32: ofFloats, int32: ofWhole, bool: ofBools }[dtype as 'float32'];
    return cast(b, apply(b, cast(b, a, dtype), cast(b, other, dtype)), a.dtype);
  };

/** Bools are compared as the numbers 0 and 1. */
const comparison =
  (apply: Apply): RecordKernel<'a' | 'b'> =>
  ({ a, b: other }, _, b) => {
    const common = commonDtype(a, other);
    const dtype = common === 'bool' ? 'int32' : common;
    return apply(b, cast(b, a, dtype), cast(b, other, dtype));
  };

const logic =
  (op: 'And' | 'Or'): RecordKernel<'a' | 'b'> =>
  ({ a, b: other }, _, b) =>
    b.emit(op, [cast(b, a, 'bool'), cast(b, other, 'bool')]);

const notEqual: Apply = (b, x, y) => b.emit('Not', [b.emit('Equal', [x, y])]);

const squaredDifference: Apply = (b, x, y) => {
  const difference = b.emit('Sub', [x, y]);
  return b.emit('Mul', [difference, difference]);
};

/** C's remainder has the sign of x; JavaScript's own, which TensorFlow.js turns into that of y, too. */
const remainder: Apply = (b, x, y) => {
  const rest = b.emit('Mod', [x, y]);
  const negative = (value: Value) => b.emit('Less', [value, b.scalar(0)]);
  const positive = (value: Value) => b.emit('GreaterOrEqual', [value, b.scalar(0)]);
  const alike = b.emit('Or', [
    b.emit('And', [negative(x), negative(y)]),
    b.emit('And', [positive(x), positive(y)]),
  ]);
  return b.emit('Where', [alike, rest, b.emit('Mod', [b.emit('Add', [rest, y]), y])]);
};

const floorDiv: RecordKernel<'a' | 'b'> = ({ a, b: other }, _, b) => {
  const dtype = commonDtype(a, other) === 'float32' ? 'float32' : 'int32';
  const [x, y] = [cast(b, a, dtype), cast(b, other, dtype)];
  if (dtype === 'int32') return floorDivide(b, x, y);
  return cast(b, b.emit('Floor', [b.emit('Div', [x, y])]), 'int32');
};

/** As JavaScript's `Math.pow`: NaN where 1 or -1 meets an exponent that is no finite number. C says 1. */
function power(b: GraphBuilder, x: Value, y: Value): Value {
  const value = b.emit('Pow', [x, y]);
  if (Number.isFinite(scalarConstant(y, b))) return value;
  const isUnit = b.emit('Equal', [b.emit('Abs', [x]), b.scalar(1)]);
  const noneOrZero = b.emit('Sub', [y, y]);
  return b.emit('Where', [isUnit, b.emit('Add', [value, noneOrZero]), value]);
}

const prelu: RecordKernel<'x' | 'alpha'> = ({ x, alpha }, _, b) =>
  leakyRelu(b, cast(b, x, 'float32'), cast(b, alpha, 'float32'));

export const binaryKernels: RecordKernels = {
  Add: arithmetic(emit('Add')),
  Sub: arithmetic(emit('Sub')),
  Multiply: arithmetic(emit('Mul'), emit('Mul'), emit('And')),
  RealDiv: arithmetic(emit('Div'), emit('Div'), emit('And')),
  FloorDiv: floorDiv,
  Mod: arithmetic(remainder, floorRemainder),
  Pow: arithmetic(power, wholePower),
  Maximum: arithmetic(emit('Max'), emit('Max'), emit('Or')),
  Minimum: arithmetic(emit('Min'), emit('Min'), emit('And')),
  SquaredDifference: arithmetic(squaredDifference, squaredDifference, notEqual),
  AddN: (inputs, _, b) => Object.values(inputs).reduce((sum, x) => b.emit('Add', [sum, x])),
  Greater: comparison(emit('Greater')),
  GreaterEqual: comparison(emit('GreaterOrEqual')),
  Less: comparison(emit('Less')),
  LessEqual: comparison(emit('LessOrEqual')),
  Equal: comparison(emit('Equal')),
  NotEqual: comparison(notEqual),
  BitwiseAnd: ({ a, b: other }: Operands<'a' | 'b'>, _, b) => b.emit('BitwiseAnd', [a, other]),
  LogicalAnd: logic('And'),
  LogicalOr: logic('Or'),
  Prelu: prelu,
  LeakyRelu: ({ x }: Operands<'x'>, { alpha }: tf.LeakyReluAttrs, b) =>
    leakyRelu(b, cast(b, x, 'float32'), b.scalar(alpha)),
  EluGrad: ({ dy, y }: Operands<'dy' | 'y'>, _, b) =>
    b.emit('Where', [
      b.emit('GreaterOrEqual', [y, b.scalar(0)]),
      dy,
      b.emit('Mul', [dy, b.emit('Add', [y, b.scalar(1)])]),
    ]),
};
