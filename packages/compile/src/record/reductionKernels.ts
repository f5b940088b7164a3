/** Reductions over axes, in the dtypes of TensorFlow.js's own `cpu` kernels. */
import type { ValueType } from '../graph/graph';
import type { ReduceOp } from '../graph/ops';
import { cast } from './casts';
import { axesOf, type RecordKernel } from './kernelParts';

/** @param name what TensorFlow.js calls the axes */
const reduce =
  (
    op: ReduceOp,
    dtype: (own: ValueType) => ValueType,
    name: 'axis' | 'reductionIndices' = 'axis',
  ): RecordKernel =>
  ({ x }, attrs, b) =>
    b.emit(op, [cast(b, x!, dtype(x!.dtype))], {
      axes: axesOf(attrs[name] ?? x!.shape.map((_, i) => i), x!.shape.length),
      keepDims: attrs.keepDims ?? false,
    });

/** Bools are counted as 0 and 1. */
const countable = (own: ValueType): ValueType => (own === 'bool' ? 'int32' : own);

/** The same, with bools given back as bools. */
const extreme =
  (op: ReduceOp, name?: 'axis' | 'reductionIndices'): RecordKernel =>
  (inputs, attrs, b) => {
    const value = reduce(op, countable, name)(inputs, attrs, b);
    return cast(b, Array.isArray(value) ? value[0] : value, inputs.x!.dtype);
  };

export const reductionKernels: Readonly<Record<string, RecordKernel>> = {
  Sum: reduce('ReduceSum', countable),
  Prod: reduce('ReduceProd', countable),
  Mean: reduce('ReduceMean', () => 'float32'),
  Max: extreme('ReduceMax', 'reductionIndices'),
  Min: extreme('ReduceMin'),
  Any: extreme('ReduceMax'),
  All: extreme('ReduceMin'),
};
