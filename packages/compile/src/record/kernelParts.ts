import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import { elu, leakyRelu, relu6 } from './activations';

/** What a kernel is given, by TensorFlow.js's names. */
export type Operands<Names extends string, Optional extends string = never> = {
  readonly [N in Names]: Value;
} & { readonly [N in Optional]?: Value };

/** Operands that are a list: by their numbers. */
export type ListOfOperands = Readonly<Record<string, Value>>;

/** What a kernel does with graph values. */
export type RecordKernel<Names extends string, Attrs = unknown, Optional extends string = never> = (
  inputs: Operands<Names, Optional>,
  attrs: Attrs,
  builder: GraphBuilder,
) => Value | readonly Value[];

interface Registered {
  record(inputs: ListOfOperands, attrs: unknown, builder: GraphBuilder): Value | readonly Value[];
}
/**
 * Any kernel. TensorFlow.js calls it by its name, with operands and attributes that it has checked, and types neither: so
 * this is the type of a method, whose parameters may be narrower than it says.
 */
export type AnyKernel = Registered['record'];

/** By TensorFlow.js's name. */
export type RecordKernels = Readonly<Record<string, AnyKernel>>;

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

/** What TensorFlow.js's fused kernels say of the activation. */
export interface FusedAttributes {
  readonly activation?: string | null;
  readonly leakyreluAlpha?: number;
}
/** The slope of `tf.leakyRelu` where none is given. */
const LEAKY_SLOPE = 0.2;

/** Bias and activation of TensorFlow.js's fused kernels. */
export function applyFused(
  b: GraphBuilder,
  x: Value,
  bias: Value | undefined,
  { activation, leakyreluAlpha }: FusedAttributes,
  preluWeights?: Value,
): Value {
  const sum = bias ? b.emit('Add', [x, bias]) : x;
  switch (activation ?? 'linear') {
    case 'linear':
      return sum;
    case 'relu':
      return b.emit('Relu', [sum]);
    case 'relu6':
      return relu6(b, sum);
    case 'sigmoid':
      return b.emit('Sigmoid', [sum]);
    case 'elu':
      return elu(b, sum);
    case 'prelu':
      if (!preluWeights) throw new Error("The fused activation 'prelu' has no weights.");
      return leakyRelu(b, sum, preluWeights);
    case 'leakyrelu':
      return leakyRelu(b, sum, b.scalar(leakyreluAlpha ?? LEAKY_SLOPE));
    default:
      throw new Error(`The fused activation '${activation}' can't be traced.`);
  }
}
