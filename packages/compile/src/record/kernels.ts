/** Every TensorFlow.js kernel that can be recorded, by what it means in graph ops. */
import * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import { sizeOf, type Value, type ValueType } from '../graph/graph';
import { atan2 } from './atan2';
import { binaryKernels } from './binaryKernels';
import { cast } from './casts';
import { convKernels } from './convKernels';
import { dilationKernels } from './dilationKernels';
import { einsum } from './einsum';
import { imageKernels } from './imageKernels';
import { indexKernels } from './indexKernels';
import {
  type AnyKernel,
  applyFused,
  axisOf,
  type FusedAttributes,
  type Operands,
  type RecordKernel,
  type RecordKernels,
  reshape,
  transpose,
} from './kernelParts';
import { movingKernels } from './movingKernels';
import { orderKernels } from './orderKernels';
import { poolKernels } from './poolKernels';
import { reductionKernels } from './reductionKernels';
import { resizeKernels } from './resizeKernels';
import { unaryKernels } from './unaryKernels';

const fill = (value: number, dtype: ValueType, shape: readonly number[], b: GraphBuilder) =>
  b.emit('Broadcast', [b.scalar(value, dtype)], { shape });

/** Softmax along any axis, through the last one. */
const alongLast =
  (
    op: 'Softmax' | 'LogSoftmax',
    name: 'dim' | 'axis',
  ): RecordKernel<'logits', { dim?: number; axis?: number }> =>
  ({ logits: x }, attrs, b) => {
    const last = x.shape.length - 1;
    const axis = axisOf(attrs[name] ?? -1, x.shape.length);
    if (axis === last) return b.emit(op, [x]);
    const perm = x.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
    return transpose(b, b.emit(op, [transpose(b, x, perm)]), perm);
  };

const matMul = (b: GraphBuilder, x: Value, y: Value, transposeA: boolean, transposeB: boolean) =>
  b.emit('MatMul', [x, y], { transposeA, transposeB });

const shapes: RecordKernels = {
  Identity: ({ x }: Operands<'x'>) => x,
  Cast: ({ x }: Operands<'x'>, { dtype }: { dtype: ValueType }, b) => cast(b, x, dtype),
  Reshape: ({ x }: Operands<'x'>, { shape }: tf.ReshapeAttrs, b) =>
    reshape(b, x, tf.util.inferFromImplicitShape(shape, sizeOf(x.shape))),
  ExpandDims: ({ input }: Operands<'input'>, { dim }: tf.ExpandDimsAttrs, b) => {
    const shape = [...input.shape];
    shape.splice(dim < 0 ? dim + shape.length + 1 : dim, 0, 1);
    return reshape(b, input, shape);
  },
  Transpose: ({ x }: Operands<'x'>, { perm }: tf.TransposeAttrs, b) => transpose(b, x, perm),
  Fill: (_, { shape, value, dtype }: Omit<tf.FillAttrs, 'dtype'> & { dtype?: ValueType }, b) => {
    if (typeof value === 'string')
      throw new Error("A tensor of dtype 'string' has no numbers; expected one of numbers.");
    return fill(value, dtype ?? 'float32', shape, b);
  },
  ZerosLike: ({ x }: Operands<'x'>, _, b) => fill(0, x.dtype, x.shape, b),
  OnesLike: ({ x }: Operands<'x'>, _, b) => fill(1, x.dtype, x.shape, b),
};

const fused: RecordKernels = {
  BatchMatMul: ({ a, b: other }: Operands<'a' | 'b'>, { transposeA, transposeB }: tf.BatchMatMulAttrs, b) =>
    matMul(b, a, other, transposeA, transposeB),
  _FusedMatMul: (
    { a, b: other, bias, preluActivationWeights }: Operands<'a' | 'b', 'bias' | 'preluActivationWeights'>,
    attrs: tf.BatchMatMulAttrs & FusedAttributes,
    b,
  ) =>
    applyFused(
      b,
      matMul(b, a, other, attrs.transposeA, attrs.transposeB),
      bias,
      attrs,
      preluActivationWeights,
    ),
  Softmax: alongLast('Softmax', 'dim'),
  LogSoftmax: alongLast('LogSoftmax', 'axis'),
  FusedBatchNorm: (
    { x, mean, variance, offset, scale }: Operands<'x' | 'mean' | 'variance', 'offset' | 'scale'>,
    { varianceEpsilon }: tf.FusedBatchNormAttrs,
    b,
  ) => {
    const deviation = b.emit('Sqrt', [b.emit('Add', [variance, b.scalar(varianceEpsilon)])]);
    let y = b.emit('Div', [b.emit('Sub', [x, mean]), deviation]);
    if (scale) y = b.emit('Mul', [y, scale]);
    return offset ? b.emit('Add', [y, offset]) : y;
  },
  // What no TensorFlow.js backend has, and layers may ask this one for.
  BeitGelu: ({ x }: Operands<'x'>, _, b) => b.emit('Gelu', [x]),
  BeitLayerNorm: (
    { x, scale, offset }: Operands<'x' | 'scale' | 'offset'>,
    { epsilon }: { epsilon: number },
    b,
  ) => b.emitAll('LayerNorm', [x, scale, offset], { epsilon }),
};

/** By TensorFlow.js's name. */
export const RECORDED: ReadonlyMap<string, AnyKernel> = new Map<string, AnyKernel>([
  ...Object.entries(unaryKernels),
  ...Object.entries(binaryKernels),
  ...Object.entries(reductionKernels),
  ...Object.entries(shapes),
  ...Object.entries(fused),
  ...Object.entries(convKernels),
  ...Object.entries(movingKernels),
  ...Object.entries(indexKernels),
  ...Object.entries(orderKernels),
  ['Einsum', einsum],
  ['Atan2', atan2],
  ...Object.entries(poolKernels),
  ...Object.entries(resizeKernels),
  ...Object.entries(imageKernels),
  ...Object.entries(dilationKernels),
]);
