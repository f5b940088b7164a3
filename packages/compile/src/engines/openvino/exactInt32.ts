/**
 * OpenVINO adds, subtracts and multiplies int32 as such, and takes the larger of two; all else it computes in float32,
 * which is exact to 2^24. These rules make of those four what may have larger numbers.
 */
import type { GraphBuilder } from '../../graph/builder';
import { sizeOf, type Value } from '../../graph/graph';
import { at } from '../../graph/lists';
import { COMPARISONS, type Inputs, type PlainOp } from '../../graph/ops';
import { produced } from '../../passes/algebraRules';
import { foldedReductions, magnitude } from '../../passes/int32Reductions';
import { withAxesSwapped } from '../../passes/layoutRules';
import { NATIVE } from '../../passes/nanRules';
import { type Rule, ruleFor } from '../../passes/rule';

const FLOAT32_EXACT = 2 ** 24;

const fits = (builder: GraphBuilder, ...values: readonly Value[]) =>
  values.every((x) => magnitude(x, builder) < FLOAT32_EXACT);

const int = (builder: GraphBuilder, value: number) => builder.scalar(value, 'int32');

/** Numbers are equal where their difference, modulo 2^32, is 0; and the smaller one is equal to their minimum. */
const comparisons = ruleFor(COMPARISONS, ({ op, inputs: [a, b] }, builder) => {
  if (b.dtype !== 'int32') return undefined;
  // A number beyond 2^24 is rounded, but not past one that is not.
  if (fits(builder, a) || fits(builder, b)) return undefined;
  switch (op) {
    case 'Equal':
      return builder.emit('Equal', [builder.emit('Sub', [a, b]), int(builder, 0)]);
    case 'LessOrEqual':
      return builder.emit('Equal', [builder.emit('Min', [a, b]), a]);
    case 'Less':
      return builder.emit('Not', [builder.emit('LessOrEqual', [b, a])]);
    case 'GreaterOrEqual':
      return builder.emit('LessOrEqual', [b, a]);
    case 'Greater':
      return builder.emit('Less', [b, a]);
  }
});

const choice = ruleFor(['Where'], ({ inputs: [condition, a, b] }, builder) => {
  if (b.dtype !== 'int32' || fits(builder, a, b)) return undefined;
  const isA = builder.emit('Cast', [condition], { dtype: 'int32' });
  return builder.emit('Add', [b, builder.emit('Mul', [isA, builder.emit('Sub', [a, b])])]);
});

const argExtremes = ruleFor(['ArgMax', 'ArgMin'], ({ op, inputs: [x], attributes }, builder) => {
  if (x.dtype !== 'int32' || fits(builder, x)) return undefined;
  const reduce = op === 'ArgMax' ? 'ReduceMax' : 'ReduceMin';
  const extreme = builder.emit(reduce, [x], { axes: [attributes.axis], keepDims: true });
  const holds = builder.emit('Equal', [x, extreme]);
  return builder.emit('ArgMax', [builder.emit('Cast', [holds], { dtype: 'float32' })], attributes);
});

/** Products that are written out before they are added up: so many take a gigabyte. */
const MOST_PRODUCTS = 2 ** 28;

const products = ruleFor(['MatMul'], ({ inputs: [a, b], attributes }, builder) => {
  if (b.dtype !== 'int32') return undefined;
  const left = attributes.transposeA ? withAxesSwapped(builder, a) : a;
  const right = attributes.transposeB ? withAxesSwapped(builder, b) : b;
  const inner = at(left.shape, -1);
  if (inner * magnitude(left, builder) * magnitude(right, builder) < FLOAT32_EXACT) {
    const toFloat = (x: Value) => builder.emit('Cast', [x], { dtype: 'float32' });
    const wide = [toFloat(left), toFloat(right)] as const;
    const product = builder.emit('MatMul', wide, { transposeA: false, transposeB: false });
    return builder.emit('Cast', [product], { dtype: 'int32' });
  }
  const rows = builder.emit('Reshape', [left], { shape: [...left.shape, 1] });
  const columns = builder.emit('Reshape', [right], {
    shape: [...right.shape.slice(0, -2), 1, ...right.shape.slice(-2)],
  });
  const all = builder.emit('Mul', [rows, columns]);
  if (sizeOf(all.shape) > MOST_PRODUCTS) {
    throw new Error(
      `OpenVINO has no matrix product of int32 as large as [${a.shape}] by [${b.shape}]; cast to float32, or use engine 'onnxruntime'.`,
    );
  }
  return builder.emit('ReduceSum', [all], { axes: [all.shape.length - 2], keepDims: false });
});

/** As far as float32 goes; int32 has no larger ones. */
const LARGEST_QUOTIENT = 2 ** 31 - 128;

/**
 * Division towards zero, 0 by 0: float32's quotient, that of what it leaves, and a correction by one. What is left after
 * the first is no more than the divisor and 2^10.
 */
const division = ruleFor(['Div'], ({ inputs: [x, y], attributes }, builder) => {
  if (y.dtype !== 'int32' || attributes.native) return undefined;
  if (fits(builder, x, y) && !isZeroPossible(y, builder)) return undefined;
  const emit = <K extends PlainOp>(op: K, ...inputs: Inputs<K>) => builder.emit(op, inputs);
  const zero = int(builder, 0);
  const toFloat = (v: Value) => builder.emit('Cast', [v], { dtype: 'float32' });
  const toInt = (v: Value) => builder.emit('Cast', [v], { dtype: 'int32' });
  const isZero = emit('Equal', y, zero);
  const divisor = emit('Where', isZero, int(builder, 1), y);
  const quotient = (rest: Value) => {
    const ratio = emit('Div', toFloat(rest), toFloat(divisor));
    const inside = emit(
      'Max',
      builder.scalar(-LARGEST_QUOTIENT),
      emit('Min', builder.scalar(LARGEST_QUOTIENT), ratio),
    );
    return toInt(inside);
  };
  const restOf = (q: Value) => emit('Sub', x, emit('Mul', q, divisor));
  const first = quotient(x);
  const second = emit('Add', first, quotient(restOf(first)));
  const third = emit('Add', second, quotient(restOf(second)));
  // Division towards zero leaves a rest of the right sign that is smaller than the divisor.
  const rest = restOf(third);
  const negative = (v: Value) => emit('Less', v, zero);
  const differ = (p: Value, q: Value) => emit('And', emit('Or', p, q), emit('Not', emit('And', p, q)));
  const isOver = emit('And', emit('Not', emit('Equal', rest, zero)), differ(negative(rest), negative(x)));
  const away = emit('Where', differ(negative(x), negative(divisor)), int(builder, -1), int(builder, 1));
  const corrected = emit('Sub', third, emit('Mul', toInt(isOver), away));
  return emit('Where', isZero, zero, corrected);
});

const isZeroPossible = (y: Value, builder: GraphBuilder): boolean =>
  produced(y, 'Constant', builder)?.attributes.data.includes(0) ?? true;

/** What is filled in goes through float32: zeros, to which it is added. */
const padding = ruleFor(['Pad'], ({ inputs: [x], attributes }, builder) => {
  const { value, native } = attributes;
  if (x.dtype !== 'int32' || native || Math.abs(value) < FLOAT32_EXACT) return undefined;
  const fill = int(builder, value);
  const inside = builder.emit('Sub', [x, fill]);
  const padded = builder.emit('Pad', [inside], { ...attributes, value: 0, ...NATIVE });
  return builder.emit('Add', [padded, fill]);
});

export const exactInt32: readonly Rule[] = [
  comparisons,
  choice,
  foldedReductions(FLOAT32_EXACT, ['ReduceSum', 'ReduceProd', 'ReduceMax', 'ReduceMin']),
  argExtremes,
  products,
  division,
  padding,
];
