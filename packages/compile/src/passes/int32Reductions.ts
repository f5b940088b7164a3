import type { GraphBuilder } from '../graph/builder';
import { sizeOf, type Value } from '../graph/graph';
import { reducedShape } from '../graph/inferOutputs';
import { at } from '../graph/lists';
import { type ArithmeticOp, isMoving } from '../graph/ops';
import { type Rule, ruleFor } from './rule';

/** A bound of the magnitude of the elements, where one is known from how they are made. */
export function magnitude(value: Value, builder: GraphBuilder): number {
  const node = builder.producer(value);
  const { op, inputs, attributes } = node;
  if (op === 'Constant') {
    let most = 0;
    for (const x of attributes.data) most = Math.max(most, Math.abs(x));
    return most;
  }
  if (op === 'Cast' && inputs[0].dtype === 'bool') return 1;
  if (op === 'ArgMax' || op === 'ArgMin') return at(inputs[0].shape, attributes.axis);
  if (op === 'Gather') return magnitude(inputs[0], builder);
  if (isMoving(node) && op !== 'Pad') return Math.max(...inputs.map((x) => magnitude(x, builder)));
  return Number.POSITIVE_INFINITY;
}

const FOLDED_BY = {
  ReduceSum: 'Add',
  ReduceProd: 'Mul',
  ReduceMax: 'Max',
  ReduceMin: 'Min',
} as const;
type FoldedOp = keyof typeof FOLDED_BY;

/** Reduces the first axis of [n, ...] by halves. */
function foldFirstAxis(op: ArithmeticOp, x: Value, builder: GraphBuilder): Value {
  const [length = 1, ...rest] = x.shape;
  if (length === 1) return builder.emit('Reshape', [x], { shape: rest });
  const half = Math.floor(length / 2);
  const part = (begin: number, size: number) =>
    builder.emit('Slice', [x], {
      begin: [begin, ...rest.map(() => 0)],
      size: [size, ...rest],
      strides: [1, ...rest.map(() => 1)],
    });
  const folded = builder.emit(op, [part(0, half), part(half, half)]);
  const left = length % 2 === 0 ? [] : [part(2 * half, 1)];
  return foldFirstAxis(op, builder.emit('Concat', [folded, ...left], { axis: 0 }), builder);
}

/**
 * Reductions of int32 by halves, by ops that are exact modulo 2^32, where an engine's own are exact to a limit only, and
 * where the result may be beyond it.
 */
export const foldedReductions = (limit: number, ops: readonly FoldedOp[]): Rule =>
  ruleFor(ops, ({ op, inputs: [x], attributes: { axes, keepDims, native } }, builder) => {
    if (x.dtype !== 'int32' || native) return undefined;
    const { shape } = x;
    const count = sizeOf(axes.map((axis) => at(shape, axis)));
    const most = magnitude(x, builder);
    const bound = op === 'ReduceSum' ? most * count : op === 'ReduceProd' && most > 1 ? most ** count : most;
    if (bound < limit) return undefined;
    const kept = [...shape.keys()].filter((axis) => !axes.includes(axis));
    const turned = builder.emit('Transpose', [x], { perm: [...axes, ...kept] });
    const rows = builder.emit('Reshape', [turned], {
      shape: [count, ...kept.map((axis) => at(shape, axis))],
    });
    const reduced = foldFirstAxis(FOLDED_BY[op], rows, builder);
    return builder.emit('Reshape', [reduced], { shape: reducedShape(shape, axes, keepDims) });
  });
