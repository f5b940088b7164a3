import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';

/** What a kernel does with graph values. Inputs come by TensorFlow.js's names, or numbered for lists. */
export type RecordKernel = (
  inputs: Readonly<Record<string, Value>>,
  // TensorFlow.js types kernel attributes loosely; each kernel below reads its own.
  // biome-ignore lint/suspicious/noExplicitAny: the kernel registry is untyped
  attrs: any,
  builder: GraphBuilder,
) => Value | readonly Value[];

export const reshape = (b: GraphBuilder, x: Value, shape: readonly number[]) =>
  b.emit('Reshape', [x], { shape });
export const transpose = (b: GraphBuilder, x: Value, perm: readonly number[]) =>
  b.emit('Transpose', [x], { perm });

export const relu6 = (x: Value, b: GraphBuilder) => b.emit('Min', [b.emit('Relu', [x]), b.scalar(6)]);
const activations: Readonly<Record<string, (x: Value, b: GraphBuilder) => Value>> = {
  linear: (x) => x,
  relu: (x, b) => b.emit('Relu', [x]),
  relu6: (x, b) => relu6(x, b),
  sigmoid: (x, b) => b.emit('Sigmoid', [x]),
  elu: (x, b) => elu(x, b),
};
export const elu = (x: Value, b: GraphBuilder) =>
  b.emit('Where', [
    b.emit('Greater', [x, b.scalar(0)]),
    x,
    b.emit('Sub', [b.emit('Exp', [b.emit('Min', [x, b.scalar(0)])]), b.scalar(1)]),
  ]);

/** Activation and bias of TensorFlow.js's fused kernels. */
export function applyFused(b: GraphBuilder, x: Value, bias: Value | undefined, activation = 'linear'): Value {
  const activate = activations[activation];
  if (!activate) throw new Error(`The fused activation '${activation}' can't be traced.`);
  return activate(bias ? b.emit('Add', [x, bias]) : x, b);
}
