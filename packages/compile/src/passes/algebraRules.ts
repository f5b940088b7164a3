import type { GraphBuilder } from '../graph/builder';
import { broadcastShapes, type ConstantData, sameShape, type Value } from '../graph/graph';
import { flag, numbers } from '../graph/ops';
import type { Rule } from './rule';

/** The number that a constant of one element holds, or `undefined`. */
export function scalarConstant(value: Value, builder: GraphBuilder): number | undefined {
  const { op, attributes } = builder.producer(value);
  if (op !== 'Constant') return undefined;
  const data = attributes.data as ConstantData;
  return data.length === 1 ? data[0] : undefined;
}

/** The numbers of a constant, reshaped or broadcast or as it is; `undefined` for all else. */
export function constantNumbers(value: Value, builder: GraphBuilder): ConstantData | undefined {
  const { op, inputs, attributes } = builder.producer(value);
  if (op === 'Constant') return attributes.data as ConstantData;
  return op === 'Broadcast' || op === 'Reshape' ? constantNumbers(inputs[0]!, builder) : undefined;
}

const produced = (value: Value, op: string, builder: GraphBuilder) => {
  const node = builder.producer(value);
  return node.op === op ? node : undefined;
};

/** `x` in the shape that it has when it meets `other`. */
const broadcastTo = (builder: GraphBuilder, x: Value, other: Value) => {
  const shape = broadcastShapes(x.shape, other.shape);
  return sameShape(shape, x.shape) ? x : builder.emit('Broadcast', [x], { shape });
};

/** x + 0, x - 0, x * 1, x / 1, x^1, and 0 - x. */
const neutral: Rule = ({ op, inputs: [a, b] }, builder) => {
  if (!a || !b) return undefined;
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
};

/** x^2 and x^0.5 without the power function. */
const smallPowers: Rule = ({ op, inputs: [a, b] }, builder) => {
  if (op !== 'Pow') return undefined;
  const exponent = scalarConstant(b!, builder);
  if (exponent === 2) return builder.emit('Mul', [a!, a!]);
  if (exponent === 0.5) return builder.emit('Sqrt', [a!]);
  return undefined;
};

/** A product of two factors that is neither infinite nor so small that float32 has few digits of it. */
const isOrdinary = (x: number) => Math.abs(x) >= 2 ** -126 && Math.abs(x) < 2 ** 127;
/** What only numbers at the ends of float32 become infinite or zero by. */
const isModest = (x: number) => Math.abs(x) >= 2 ** -40 && Math.abs(x) <= 2 ** 40;

/** Whether x * inner * outer is the same as x * (inner * outer): on the way it is not lost what the second one brings back. */
export const isOneScale = (inner: number, outer: number): boolean =>
  isOrdinary(inner * outer) && (isModest(inner) || Math.abs(inner) < 1 === Math.abs(outer) < 1);

/** (x * c1) * c2 = x * (c1 * c2), so that scales met on the way become one. */
const mergeScales: Rule = ({ op, inputs: [a, b] }, builder) => {
  if (op !== 'Mul' || a!.dtype !== 'float32') return undefined;
  for (const [x, scale] of [
    [a!, b!],
    [b!, a!],
  ] as const) {
    const outer = scalarConstant(scale, builder);
    const inner = produced(x, 'Mul', builder);
    if (outer === undefined || !inner) continue;
    for (const [y, c] of [inner.inputs, [inner.inputs[1]!, inner.inputs[0]!]] as [Value, Value][]) {
      const factor = scalarConstant(c, builder);
      if (factor !== undefined && isOneScale(factor, outer) && scalarConstant(y, builder) === undefined) {
        return builder.emit('Mul', [y, builder.scalar(outer * factor)]);
      }
    }
  }
  return undefined;
};

/** x + (-y) = x - y, x - (-y) = x + y, -(-x) = x. */
const negations: Rule = ({ op, inputs: [a, b] }, builder) => {
  if (op === 'Neg') return produced(a!, 'Neg', builder)?.inputs[0];
  if (op !== 'Add' && op !== 'Sub') return undefined;
  const right = produced(b!, 'Neg', builder);
  if (right) return builder.emit(op === 'Add' ? 'Sub' : 'Add', [a!, right.inputs[0]!]);
  const left = op === 'Add' ? produced(a!, 'Neg', builder) : undefined;
  return left ? builder.emit('Sub', [b!, left.inputs[0]!]) : undefined;
};

/** Casts to the dtype that is there, and from bool to number and back. */
const casts: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if (op !== 'Cast') return undefined;
  if (x!.dtype === attributes.dtype) return x;
  const inner = produced(x!, 'Cast', builder)?.inputs[0];
  // Narrowing what was widened before.
  if (inner?.dtype === 'bfloat16' && attributes.dtype === 'bfloat16') return inner;
  return inner?.dtype === 'bool' ? builder.emit('Cast', [inner], attributes) : undefined;
};

const isAtMostZero = (value: Value, builder: GraphBuilder) => (scalarConstant(value, builder) ?? 1) <= 0;

/** What a ReLU made has no other bound at or below zero, and its gradient asks for none. */
const bounds: Rule = ({ op, inputs: [a, b] }, builder) => {
  if (op !== 'Max' && op !== 'And') return undefined;
  for (const [x, y] of [
    [a!, b!],
    [b!, a!],
  ] as const) {
    if (op === 'Max' && produced(x, 'Relu', builder) && isAtMostZero(y, builder))
      return broadcastTo(builder, x, y);
    const [r, least] = produced(x, 'GreaterOrEqual', builder)?.inputs ?? [];
    const upper = produced(y, 'LessOrEqual', builder);
    // Both are false for NaN.
    if (r && upper?.inputs[0] === r && produced(r, 'Relu', builder) && isAtMostZero(least!, builder))
      return broadcastTo(builder, y, x);
  }
  return undefined;
};

/** Slices of everything, concatenations of one, sums over nothing. */
const trivial: Rule = ({ op, inputs, attributes }, builder) => {
  const [x] = inputs;
  if (op === 'Concat' && inputs.length === 1) return x;
  if (op === 'Slice') {
    const whole =
      sameShape(numbers(attributes, 'size'), x!.shape) &&
      numbers(attributes, 'strides').every((s) => s === 1);
    return whole ? x : undefined;
  }
  if (op.startsWith('Reduce') && numbers(attributes, 'axes').every((axis) => x!.shape[axis] === 1)) {
    if (flag(attributes, 'keepDims')) return x;
    const axes = numbers(attributes, 'axes');
    return builder.emit('Reshape', [x!], { shape: x!.shape.filter((_, i) => !axes.includes(i)) });
  }
  return undefined;
};

export const algebraRules: readonly Rule[] = [
  neutral,
  smallPowers,
  mergeScales,
  negations,
  casts,
  bounds,
  trivial,
];
