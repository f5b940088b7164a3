import type { GraphBuilder } from '../graph/builder';
import { type ConstantData, sizeOf, type Value } from '../graph/graph';
import { flag, MOVING_OPS, number, numbers, reducedShape } from '../graph/ops';
import type { Rule } from './rule';

/** A bound of the magnitude of the elements, where one is known from how they are made. */
export function magnitude(value: Value, builder: GraphBuilder): number {
  const { op, inputs, attributes } = builder.producer(value);
  if (op === 'Constant') {
    let most = 0;
    for (const x of attributes.data as ConstantData) most = Math.max(most, Math.abs(x));
    return most;
  }
  if (op === 'Cast' && inputs[0]!.dtype === 'bool') return 1;
  if (op === 'ArgMax' || op === 'ArgMin') return inputs[0]!.shape[number(attributes, 'axis')]!;
  if (op === 'Gather') return magnitude(inputs[0]!, builder);
  if (MOVING_OPS.has(op) && op !== 'Pad') return Math.max(...inputs.map((x) => magnitude(x, builder)));
  return Number.POSITIVE_INFINITY;
}

const FOLDED_BY: Readonly<Record<string, string>> = {
  ReduceSum: 'Add',
  ReduceProd: 'Mul',
  ReduceMax: 'Max',
  ReduceMin: 'Min',
};

/** Reduces the first axis of [n, ...] by halves. */
function foldFirstAxis(op: string, x: Value, builder: GraphBuilder): Value {
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
export const foldedReductions =
  (limit: number, ops: readonly string[] = Object.keys(FOLDED_BY)): Rule =>
  (node, builder) => {
    const [x] = node.inputs as [Value];
    const op = FOLDED_BY[node.op];
    if (op === undefined || !ops.includes(node.op) || x.dtype !== 'int32' || node.attributes.native)
      return undefined;
    const { shape } = x;
    const axes = numbers(node.attributes, 'axes');
    const count = sizeOf(axes.map((axis) => shape[axis]!));
    const most = magnitude(x, builder);
    const bound =
      node.op === 'ReduceSum' ? most * count : node.op === 'ReduceProd' && most > 1 ? most ** count : most;
    if (bound < limit) return undefined;
    const kept = shape.map((_, axis) => axis).filter((axis) => !axes.includes(axis));
    const turned = builder.emit('Transpose', [x], { perm: [...axes, ...kept] });
    const rows = builder.emit('Reshape', [turned], { shape: [count, ...kept.map((axis) => shape[axis]!)] });
    const reduced = foldFirstAxis(op, rows, builder);
    return builder.emit('Reshape', [reduced], {
      shape: reducedShape(shape, axes, flag(node.attributes, 'keepDims')),
    });
  };
