/** Every TensorFlow.js kernel that can be recorded, by what it means in graph ops. */
import * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import { padShape, sizeOf, type Value, type ValueType } from '../graph/graph';
import { binaryKernels } from './binaryKernels';
import { cast } from './casts';
import { convKernels } from './convKernels';
import { applyFused, axesOf, axisOf, type RecordKernel, reshape, transpose } from './kernelParts';
import { recordConstant } from './recordingBackend';
import { reductionKernels } from './reductionKernels';
import { unaryKernels } from './unaryKernels';

const fill = (value: number, dtype: ValueType, shape: readonly number[], b: GraphBuilder) =>
  b.emit('Broadcast', [b.scalar(value, dtype)], { shape });

/** Softmax along any axis, through the last one. */
const alongLast =
  (op: string, name: 'dim' | 'axis'): RecordKernel =>
  ({ logits: x }, attrs, b) => {
    const last = x!.shape.length - 1;
    const axis = axisOf(attrs[name] ?? -1, x!.shape.length);
    if (axis === last) return b.emit(op, [x!]);
    const perm = x!.shape.map((_, i) => (i === axis ? last : i === last ? axis : i));
    return transpose(b, b.emit(op, [transpose(b, x!, perm)]), perm);
  };

function slice(
  b: GraphBuilder,
  x: Value,
  begin: readonly number[],
  size: readonly number[],
  strides?: number[],
) {
  const sizes = size.map((s, i) => (s < 0 ? x.shape[i]! - begin[i]! : s));
  return b.emit('Slice', [x], { begin, size: sizes, strides: strides ?? begin.map(() => 1) });
}

const split: RecordKernel = ({ x }, { numOrSizeSplits, axis }, b) => {
  const along = axisOf(axis, x!.shape.length);
  const sizes = tf.backend_util.prepareSplitSize(
    { shape: [...x!.shape] } as unknown as tf.TensorInfo,
    numOrSizeSplits,
    along,
  );
  let start = 0;
  return sizes.map((size) => {
    const begin = x!.shape.map((_, i) => (i === along ? start : 0));
    start += size;
    return slice(
      b,
      x!,
      begin,
      x!.shape.map((dim, i) => (i === along ? size : dim)),
    );
  });
};

const matMul = (b: GraphBuilder, x: Value, y: Value, transposeA: boolean, transposeB: boolean) =>
  b.emit('MatMul', [x, y], { transposeA, transposeB });

const oneHot: RecordKernel = ({ indices }, { depth, onValue, offValue, dtype }, b) => {
  const classes = b.constant(
    Int32Array.from({ length: depth }, (_, i) => i),
    'int32',
    [depth],
  );
  const hit = b.emit('Equal', [reshape(b, indices!, [...indices!.shape, 1]), classes]);
  const type: ValueType = dtype ?? 'int32';
  if (onValue === 1 && offValue === 0) return cast(b, hit, type);
  return b.emit('Where', [hit, b.scalar(onValue, type), b.scalar(offValue, type)]);
};

const shapes: Readonly<Record<string, RecordKernel>> = {
  Identity: ({ x }) => x!,
  Cast: ({ x }, { dtype }, b) => cast(b, x!, dtype),
  Reshape: ({ x }, { shape }, b) => reshape(b, x!, tf.util.inferFromImplicitShape(shape, sizeOf(x!.shape))),
  ExpandDims: ({ input }, { dim }, b) => {
    const shape = [...input!.shape];
    shape.splice(dim < 0 ? dim + shape.length + 1 : dim, 0, 1);
    return reshape(b, input!, shape);
  },
  Transpose: ({ x }, { perm }, b) => transpose(b, x!, perm),
  Slice: ({ x }, { begin, size }, b) => slice(b, x!, begin, size),
  StridedSlice: ({ x }, attrs, b) => {
    const info = tf.slice_util.sliceInfo(
      [...x!.shape],
      attrs.begin,
      attrs.end,
      attrs.strides,
      attrs.beginMask,
      attrs.endMask,
      attrs.ellipsisMask,
      attrs.newAxisMask,
      attrs.shrinkAxisMask,
    );
    const size = info.begin.map((start, i) => Math.abs(info.end[i]! - start));
    return reshape(b, slice(b, x!, info.begin, size, info.strides), info.finalShape);
  },
  Reverse: ({ x }, { dims }, b) => {
    const axes = axesOf(dims, x!.shape.length);
    const strides = x!.shape.map((_, i) => (axes.includes(i) ? -1 : 1));
    return slice(
      b,
      x!,
      x!.shape.map((dim, i) => (axes.includes(i) ? dim - 1 : 0)),
      x!.shape,
      strides,
    );
  },
  SplitV: split,
  Concat: (inputs, { axis }, b) => {
    const parts = Object.values(inputs).filter((x) => sizeOf(x.shape) > 0);
    return b.emit('Concat', parts, { axis: axisOf(axis, parts[0]!.shape.length) });
  },
  Pack: (inputs, { axis }, b) => {
    const parts = Object.values(inputs);
    const shape = [...parts[0]!.shape];
    const along = axisOf(axis, shape.length + 1);
    shape.splice(along, 0, 1);
    return b.emit(
      'Concat',
      parts.map((x) => reshape(b, x, shape)),
      { axis: along },
    );
  },
  Unpack: ({ value }, { axis }, b) => {
    const along = axisOf(axis, value!.shape.length);
    const shape = value!.shape.filter((_, i) => i !== along);
    const parts = split({ x: value! }, { numOrSizeSplits: value!.shape[along], axis: along }, b) as Value[];
    return parts.map((part) => reshape(b, part, shape));
  },
  PadV2: ({ x }, { paddings, constantValue }, b) =>
    b.emit('Pad', [x!], {
      before: paddings.map((p: number[]) => p[0]),
      after: paddings.map((p: number[]) => p[1]),
      value: constantValue,
    }),
  Tile: ({ x }, { reps }, b) => b.emit('Tile', [x!], { repeats: reps }),
  Fill: (_, { shape, value, dtype }, b) => fill(value, dtype ?? 'float32', shape, b),
  ZerosLike: ({ x }, _, b) => fill(0, x!.dtype, x!.shape, b),
  OnesLike: ({ x }, _, b) => fill(1, x!.dtype, x!.shape, b),
  Range: (_, { start, stop, step, dtype }) => {
    const length = Math.max(0, Math.ceil((stop - start) / step));
    const data = Array.from({ length }, (_unused, i) => start + i * step);
    const array = dtype === 'int32' ? Int32Array.from(data) : Float32Array.from(data);
    return recordConstant(array, dtype ?? 'float32', [length]);
  },
  LinSpace: (_, { start, stop, num }) => {
    const step = num > 1 ? (stop - start) / (num - 1) : 0;
    return recordConstant(
      Float32Array.from({ length: num }, (_unused, i) => start + i * step),
      'float32',
      [num],
    );
  },
};

const fused: Readonly<Record<string, RecordKernel>> = {
  BatchMatMul: ({ a, b: other }, { transposeA, transposeB }, b) =>
    matMul(b, a!, other!, transposeA, transposeB),
  _FusedMatMul: ({ a, b: other, bias }, { transposeA, transposeB, activation }, b) =>
    applyFused(b, matMul(b, a!, other!, transposeA, transposeB), bias, activation),
  Softmax: alongLast('Softmax', 'dim'),
  LogSoftmax: alongLast('LogSoftmax', 'axis'),
  Select: ({ condition, t, e }, _, b) => {
    // A condition of fewer axes selects along the first ones.
    const shape = [...condition!.shape, ...padShape([], t!.shape.length - condition!.shape.length)];
    return b.emit('Where', [reshape(b, condition!, shape), t!, e!]);
  },
  OneHot: oneHot,
  GatherV2: ({ x, indices }, { axis, batchDims }, b) => {
    if (batchDims)
      throw new Error(
        `GatherV2 with batchDims=${batchDims} can't be traced; gather from a flattened tensor.`,
      );
    return b.emit('Gather', [x!, indices!], { axis: axisOf(axis, x!.shape.length) });
  },
  UnsortedSegmentSum: ({ x, segmentIds }, { numSegments }, b) => {
    const rank = segmentIds!.shape.length;
    const rows = reshape(b, x!, [sizeOf(segmentIds!.shape), ...x!.shape.slice(rank)]);
    return b.emit('ScatterAdd', [rows, reshape(b, segmentIds!, [sizeOf(segmentIds!.shape)])], {
      numRows: numSegments,
    });
  },
  ArgMax: ({ x }, { axis }, b) => b.emit('ArgMax', [x!], { axis: axisOf(axis, x!.shape.length) }),
  ArgMin: ({ x }, { axis }, b) => b.emit('ArgMin', [x!], { axis: axisOf(axis, x!.shape.length) }),
  Cumsum: ({ x }, { axis, exclusive, reverse }, b) =>
    b.emit('CumSum', [x!], {
      axis: axisOf(axis, x!.shape.length),
      exclusive: !!exclusive,
      reverse: !!reverse,
    }),
  FusedBatchNorm: ({ x, mean, variance, offset, scale }, { varianceEpsilon }, b) => {
    const deviation = b.emit('Sqrt', [b.emit('Add', [variance!, b.scalar(varianceEpsilon)])]);
    let y = b.emit('Div', [b.emit('Sub', [x!, mean!]), deviation]);
    if (scale) y = b.emit('Mul', [y, scale]);
    return offset ? b.emit('Add', [y, offset]) : y;
  },
  // What no TensorFlow.js backend has, and layers may ask this one for.
  BeitGelu: ({ x }, _, b) => b.emit('Gelu', [x!]),
  BeitLayerNorm: ({ x, scale, offset }, { epsilon }, b) =>
    b.emitAll('LayerNorm', [x!, scale!, offset!], { epsilon }),
};

/** By TensorFlow.js's name. */
export const RECORDED: ReadonlyMap<string, RecordKernel> = new Map<string, RecordKernel>([
  ...Object.entries(unaryKernels),
  ...Object.entries(binaryKernels),
  ...Object.entries(reductionKernels),
  ...Object.entries(shapes),
  ...Object.entries(fused),
  ...Object.entries(convKernels),
]);
