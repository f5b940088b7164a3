import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import { elu, relu6 } from './activations';

/** What a kernel does with graph values. Inputs come by TensorFlow.js's names, or numbered for lists. */
export type RecordKernel = (
  inputs: Readonly<Record<string, Value>>,
  // TensorFlow.js types kernel attributes loosely; each kernel below reads its own.
  // biome-ignore lint/suspicious/noExplicitAny: the kernel registry is untyped
  attrs: any,
  builder: GraphBuilder,
) => Value | readonly Value[];

/** `a` where the condition holds, `other` elsewhere. */
export function choose(b: GraphBuilder, condition: Value, a: Value, other: Value): Value {
  if (a.dtype !== 'bool') return b.emit('Where', [condition, a, other]);
  // Engines choose among numbers alone.
  return b.emit('Or', [b.emit('And', [condition, a]), b.emit('And', [b.emit('Not', [condition]), other])]);
}
export const reshape = (b: GraphBuilder, x: Value, shape: readonly number[]) =>
  b.emit('Reshape', [x], { shape });
export const transpose = (b: GraphBuilder, x: Value, perm: readonly number[]) =>
  b.emit('Transpose', [x], { perm });

export const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);
export const axesOf = (axis: number | readonly number[], rank: number): number[] =>
  [axis]
    .flat()
    .map((a) => axisOf(a, rank))
    .sort((a, b) => a - b);

const ACTIVATIONS: Readonly<Record<string, (b: GraphBuilder, x: Value) => Value>> = {
  linear: (_, x) => x,
  relu: (b, x) => b.emit('Relu', [x]),
  relu6,
  sigmoid: (b, x) => b.emit('Sigmoid', [x]),
  elu,
};

/** Activation and bias of TensorFlow.js's fused kernels. */
export function applyFused(b: GraphBuilder, x: Value, bias: Value | undefined, activation = 'linear'): Value {
  const activate = ACTIVATIONS[activation];
  if (!activate) throw new Error(`The fused activation '${activation}' can't be traced.`);
  return activate(b, bias ? b.emit('Add', [x, bias]) : x);
}
