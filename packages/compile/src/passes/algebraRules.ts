import type { GraphBuilder } from '../graph/builder';
import { broadcastShapes, type ConstantData, sameShape, type Value } from '../graph/graph';
import { reducedShape } from '../graph/inferOutputs';
import { ALL_REDUCTIONS, type Node, type NodeName } from '../graph/ops';
import { type Rule, ruleFor } from './rule';

/** The number that a constant of one element holds, or `undefined`. */
export function scalarConstant(value: Value, builder: GraphBuilder): number | undefined {
  const data = produced(value, 'Constant', builder)?.attributes.data;
  return data?.length === 1 ? data[0] : undefined;
}

/** The numbers of a constant, reshaped or broadcast or as it is; `undefined` for all else. */
export function constantNumbers(value: Value, builder: GraphBuilder): ConstantData | undefined {
  const { op, inputs, attributes } = builder.producer(value);
  if (op === 'Constant') return attributes.data;
  return op === 'Broadcast' || op === 'Reshape' ? constantNumbers(inputs[0], builder) : undefined;
}

/** The node that makes a value, where it is of that op. */
export function produced<K extends NodeName>(
  value: Value,
  op: K,
  builder: GraphBuilder,
): Node<K> | undefined {
  const node = builder.producer(value);
  const isMeant = (made: Node): made is Node & Node<K> => made.op === op;
  return isMeant(node) ? node : undefined;
}

/** Two operands in both orders. */
export const eitherWay = (a: Value, b: Value) =>
  [
    [a, b],
    [b, a],
  ] as const;

/** `x` in the shape that it has when it meets `other`. */
const broadcastTo = (builder: GraphBuilder, x: Value, other: Value) => {
  const shape = broadcastShapes(x.shape, other.shape);
  return sameShape(shape, x.shape) ? x : builder.emit('Broadcast', [x], { shape });
};

/** x + 0, x - 0, x * 1, x / 1, x^1, and 0 - x. */
const neutral = ruleFor(['Add', 'Sub', 'Mul', 'Div', 'Pow'], ({ op, inputs: [a, b] }, builder) => {
  const right = scalarConstant(b, builder);
  if ((op === 'Add' || op === 'Sub') && right === 0) return broadcastTo(builder, a, b);
  if ((op === 'Mul' || op === 'Div' || op === 'Pow') && right === 1) return broadcastTo(builder, a, b);
  const left = scalarConstant(a, builder);
  if (op === 'Add' && left === 0) return broadcastTo(builder, b, a);
  if (op === 'Mul' && left === 1) return broadcastTo(builder, b, a);
  if (op === 'Sub' && left === 0 && b.dtype === 'float32') {
    return builder.emit('Neg', [broadcastTo(builder, b, a)]);
  }
  return undefined;
});

/** x^2 and x^0.5 without the power function. */
const smallPowers = ruleFor(['Pow'], ({ inputs: [a, b] }, builder) => {
  const exponent = scalarConstant(b, builder);
  if (exponent === 2) return builder.emit('Mul', [a, a]);
  if (exponent === 0.5) return builder.emit('Sqrt', [a]);
  return undefined;
});

/** A product of two factors that is neither infinite nor so small that float32 has few digits of it. */
const isOrdinary = (x: number) => Math.abs(x) >= 2 ** -126 && Math.abs(x) < 2 ** 127;
/** What only numbers at the ends of float32 become infinite or zero by. */
const isModest = (x: number) => Math.abs(x) >= 2 ** -40 && Math.abs(x) <= 2 ** 40;

/** Whether x * inner * outer is the same as x * (inner * outer): on the way it is not lost what the second one brings back. */
export const isOneScale = (inner: number, outer: number): boolean =>
  isOrdinary(inner * outer) && (isModest(inner) || Math.abs(inner) < 1 === Math.abs(outer) < 1);

/** (x * c1) * c2 = x * (c1 * c2), so that scales met on the way become one. */
const mergeScales = ruleFor(['Mul'], ({ inputs: [a, b] }, builder) => {
  if (a.dtype !== 'float32') return undefined;
  for (const [x, scale] of eitherWay(a, b)) {
    const outer = scalarConstant(scale, builder);
    const inner = produced(x, 'Mul', builder);
    if (outer === undefined || !inner) continue;
    for (const [y, c] of eitherWay(...inner.inputs)) {
      const factor = scalarConstant(c, builder);
      if (factor !== undefined && isOneScale(factor, outer) && scalarConstant(y, builder) === undefined) {
        return builder.emit('Mul', [y, builder.scalar(outer * factor)]);
      }
    }
  }
  return undefined;
});

/** x + (-y) = x - y, x - (-y) = x + y, -(-x) = x. */
const negations = ruleFor(['Neg', 'Add', 'Sub'], ({ op, inputs }, builder) => {
  if (op === 'Neg') return produced(inputs[0], 'Neg', builder)?.inputs[0];
  const [a, b] = inputs;
  const right = produced(b, 'Neg', builder);
  if (right) return builder.emit(op === 'Add' ? 'Sub' : 'Add', [a, right.inputs[0]]);
  const left = op === 'Add' ? produced(a, 'Neg', builder) : undefined;
  return left ? builder.emit('Sub', [b, left.inputs[0]]) : undefined;
});

/** Casts to the dtype that is there, and from bool to number and back. */
const casts = ruleFor(['Cast'], ({ inputs: [x], attributes }, builder) => {
  if (x.dtype === attributes.dtype) return x;
  const inner = produced(x, 'Cast', builder)?.inputs[0];
  // Narrowing what was widened before.
  if (inner?.dtype === 'bfloat16' && attributes.dtype === 'bfloat16') return inner;
  return inner?.dtype === 'bool' ? builder.emit('Cast', [inner], attributes) : undefined;
});

const isAtMostZero = (value: Value, builder: GraphBuilder) => (scalarConstant(value, builder) ?? 1) <= 0;

/** What a ReLU made has no other bound at or below zero, and its gradient asks for none. */
const bounds = ruleFor(['Max', 'And'], ({ op, inputs: [a, b] }, builder) => {
  for (const [x, y] of eitherWay(a, b)) {
    if (op === 'Max' && produced(x, 'Relu', builder) && isAtMostZero(y, builder))
      return broadcastTo(builder, x, y);
    const lower = produced(x, 'GreaterOrEqual', builder);
    const upper = produced(y, 'LessOrEqual', builder);
    if (!lower || !upper) continue;
    const [r, least] = lower.inputs;
    // Both are false for NaN.
    if (upper.inputs[0] === r && produced(r, 'Relu', builder) && isAtMostZero(least, builder))
      return broadcastTo(builder, y, x);
  }
  return undefined;
});

const concatenationsOfOne = ruleFor(['Concat'], ({ inputs }) =>
  inputs.length === 1 ? inputs[0] : undefined,
);

const slicesOfEverything = ruleFor(['Slice'], ({ inputs: [x], attributes: { size, strides } }) =>
  sameShape(size, x.shape) && strides.every((s) => s === 1) ? x : undefined,
);

const sumsOverNothing = ruleFor(
  ALL_REDUCTIONS,
  ({ inputs: [x], attributes: { axes, keepDims } }, builder) => {
    if (axes.some((axis) => x.shape[axis] !== 1)) return undefined;
    return keepDims ? x : builder.emit('Reshape', [x], { shape: reducedShape(x.shape, axes, false) });
  },
);

export const algebraRules: readonly Rule[] = [
  neutral,
  smallPowers,
  mergeScales,
  negations,
  casts,
  bounds,
  concatenationsOfOne,
  slicesOfEverything,
  sumsOverNothing,
];
