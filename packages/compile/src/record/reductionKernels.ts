/** Reductions over axes, in the dtypes of TensorFlow.js's own `cpu` kernels. */
import type { GraphBuilder } from '../graph/builder';
import type { ValueType } from '../graph/graph';
import type { ReduceOp } from '../graph/ops';
import { cast } from './casts';
import { axesOf, type Operands, type RecordKernel, type RecordKernels } from './kernelParts';

interface ReduceAttributes {
  readonly axis?: number | readonly number[];
  readonly reductionIndices?: number | readonly number[];
  readonly keepDims?: boolean;
}

/** @param name what TensorFlow.js calls the axes */
const reduce =
  (op: ReduceOp, dtype: (own: ValueType) => ValueType, name: 'axis' | 'reductionIndices' = 'axis') =>
  ({ x }: Operands<'x'>, attrs: ReduceAttributes, b: GraphBuilder) =>
    b.emit(op, [cast(b, x, dtype(x.dtype))], {
      axes: axesOf(attrs[name] ?? [...x.shape.keys()], x.shape.length),
      keepDims: attrs.keepDims ?? false,
    });

/** Bools are counted as 0 and 1. */
const countable = (own: ValueType): ValueType => (own === 'bool' ? 'int32' : own);

/** The same, with bools given back as bools. */
const extreme =
  (op: ReduceOp, name?: 'axis' | 'reductionIndices'): RecordKernel<'x', ReduceAttributes> =>
  (inputs, attrs, b) =>
    cast(b, reduce(op, countable, name)(inputs, attrs, b), inputs.x.dtype);

export const reductionKernels: RecordKernels = {
  Sum: reduce('ReduceSum', countable),
  Prod: reduce('ReduceProd', countable),
  Mean: reduce('ReduceMean', () => 'float32'),
  Max: extreme('ReduceMax', 'reductionIndices'),
  Min: extreme('ReduceMin'),
  Any: extreme('ReduceMax'),
  All: extreme('ReduceMin'),
};
