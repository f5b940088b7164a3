/** Every TensorFlow.js kernel that can be recorded, by what it means in graph ops. */
import * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import { padShape, sizeOf, type Value, type ValueType } from '../graph/graph';
import { convKernels } from './convKernels';
import { applyFused, elu, type RecordKernel, relu6, reshape, transpose } from './kernelParts';
import { currentBuilder, graphValue, infoOf, RECORDING_BACKEND, recordConstant } from './recordingBackend';

const axesOf = (axis: number | number[], rank: number): number[] =>
  (Array.isArray(axis) ? axis : [axis]).map((a) => (a < 0 ? a + rank : a)).sort((a, b) => a - b);
const axisOf = (axis: number, rank: number): number => (axis < 0 ? axis + rank : axis);

const cast = (b: GraphBuilder, x: Value, dtype: ValueType) =>
  x.dtype === dtype ? x : b.emit('Cast', [x], { dtype });
/** A number in the dtype of `like`. */
const constantLike = (b: GraphBuilder, value: number, like: Value) => b.scalar(value, like.dtype);

const unary =
  (op: string): RecordKernel =>
  ({ x }, _, b) =>
    b.emit(op, [x!]);
const binary =
  (op: string): RecordKernel =>
  ({ a, b: other }, _, b) =>
    b.emit(op, [a!, other!]);
const reduce =
  (op: string, name: 'axis' | 'reductionIndices' = 'axis'): RecordKernel =>
  ({ x }, attrs, b) =>
    b.emit(op, [x!], {
      axes: axesOf(attrs[name] ?? x!.shape.map((_, i) => i), x!.shape.length),
      keepDims: attrs.keepDims ?? false,
    });
/** `any` and `all` as the largest and smallest of 0 and 1. */
const reduceBool =
  (op: string): RecordKernel =>
  ({ x }, attrs, b) =>
    cast(b, reduce(op)({ x: cast(b, x!, 'int32') }, attrs, b) as Value, 'bool');

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

/** x^2, sqrt... of what ONNX has no op for. */
const composed: Readonly<Record<string, RecordKernel>> = {
  Square: ({ x }, _, b) => b.emit('Mul', [x!, x!]),
  Rsqrt: ({ x }, _, b) => b.emit('Reciprocal', [b.emit('Sqrt', [x!])]),
  Expm1: ({ x }, _, b) => b.emit('Sub', [b.emit('Exp', [x!]), b.scalar(1)]),
  Log1p: ({ x }, _, b) => b.emit('Log', [b.emit('Add', [x!, b.scalar(1)])]),
  Relu6: ({ x }, _, b) => relu6(x!, b),
  Elu: ({ x }, _, b) => elu(x!, b),
  EluGrad: ({ dy, y }, _, b) =>
    b.emit('Where', [
      b.emit('GreaterOrEqual', [y!, b.scalar(0)]),
      dy!,
      b.emit('Mul', [dy!, b.emit('Add', [y!, b.scalar(1)])]),
    ]),
  LeakyRelu: ({ x }, { alpha }, b) =>
    b.emit('Where', [b.emit('Greater', [x!, b.scalar(0)]), x!, b.emit('Mul', [x!, b.scalar(alpha)])]),
  Prelu: ({ x, alpha }, _, b) =>
    b.emit('Where', [b.emit('GreaterOrEqual', [x!, b.scalar(0)]), x!, b.emit('Mul', [x!, alpha!])]),
  Selu: ({ x }, _, b) => {
    const scale = 1.0507009873554805;
    const alpha = 1.6732632423543772;
    const negative = b.emit('Mul', [
      b.emit('Sub', [b.emit('Exp', [b.emit('Min', [x!, b.scalar(0)])]), b.scalar(1)]),
      b.scalar(scale * alpha),
    ]);
    return b.emit('Where', [
      b.emit('GreaterOrEqual', [x!, b.scalar(0)]),
      b.emit('Mul', [x!, b.scalar(scale)]),
      negative,
    ]);
  },
  Step: ({ x }, { alpha }, b) => {
    const positive = b.emit('Greater', [x!, b.scalar(0)]);
    return alpha === 0
      ? cast(b, positive, 'float32')
      : b.emit('Where', [positive, b.scalar(1), b.scalar(alpha)]);
  },
  ClipByValue: ({ x }, { clipValueMin, clipValueMax }, b) =>
    b.emit('Min', [
      b.emit('Max', [x!, constantLike(b, clipValueMin, x!)]),
      constantLike(b, clipValueMax, x!),
    ]),
  SquaredDifference: ({ a, b: other }, _, b) => {
    const difference = b.emit('Sub', [a!, other!]);
    return b.emit('Mul', [difference, difference]);
  },
  FloorDiv: ({ a, b: other }, _, b) => floorDiv(a!, other!, b),
  Mod: ({ a, b: other }, _, b) => b.emit('Sub', [a!, b.emit('Mul', [floorDiv(a!, other!, b), other!])]),
  NotEqual: ({ a, b: other }, _, b) => b.emit('Not', [b.emit('Equal', [a!, other!])]),
  AddN: (inputs, _, b) => Object.values(inputs).reduce((sum, x) => b.emit('Add', [sum, x])),
  IsNan: ({ x }, _, b) => b.emit('Not', [b.emit('Equal', [x!, x!])]),
  IsInf: ({ x }, _, b) => b.emit('Equal', [b.emit('Abs', [x!]), b.scalar(Number.POSITIVE_INFINITY)]),
  IsFinite: ({ x }, _, b) => b.emit('Less', [b.emit('Abs', [x!]), b.scalar(Number.POSITIVE_INFINITY)]),
};
function floorDiv(x: Value, y: Value, b: GraphBuilder): Value {
  const quotient = b.emit('Floor', [b.emit('Div', [cast(b, x, 'float32'), cast(b, y, 'float32')])]);
  return cast(b, quotient, x.dtype);
}

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

const UNARY: Readonly<Record<string, string>> = Object.fromEntries(
  (
    'Neg Abs Exp Log Sqrt Reciprocal Erf Tanh Sigmoid Relu Softplus Sign Floor Ceil Round ' +
    'Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh'
  )
    .split(' ')
    .map((op) => [op, op]),
);
const BINARY: Readonly<Record<string, string>> = {
  Add: 'Add',
  Sub: 'Sub',
  Multiply: 'Mul',
  RealDiv: 'Div',
  Pow: 'Pow',
  Maximum: 'Max',
  Minimum: 'Min',
  Greater: 'Greater',
  GreaterEqual: 'GreaterOrEqual',
  Less: 'Less',
  LessEqual: 'LessOrEqual',
  Equal: 'Equal',
  LogicalAnd: 'And',
  LogicalOr: 'Or',
};
const REDUCE: Readonly<Record<string, string>> = { Sum: 'ReduceSum', Mean: 'ReduceMean', Prod: 'ReduceProd' };

const RECORDED: ReadonlyMap<string, RecordKernel> = new Map<string, RecordKernel>([
  ...Object.entries(UNARY).map(([kernel, op]) => [kernel, unary(op)] as const),
  ...Object.entries(BINARY).map(([kernel, op]) => [kernel, binary(op)] as const),
  ...Object.entries(REDUCE).map(([kernel, op]) => [kernel, reduce(op)] as const),
  ['Max', reduce('ReduceMax', 'reductionIndices')],
  ['Min', reduce('ReduceMin')],
  ['Any', reduceBool('ReduceMax')],
  ['All', reduceBool('ReduceMin')],
  ['LogicalNot', unary('Not')],
  ...Object.entries(composed),
  ...Object.entries(shapes),
  ...Object.entries(fused),
  ...Object.entries(convKernels),
]);

/** The first line of the stack that is the caller's own code. */
function callSite(): string {
  const lines = new Error().stack?.split('\n').slice(1) ?? [];
  const own = lines.find((line) => !/tfjs|recordingBackend|[\\/]record[\\/]kernels|node:internal/.test(line));
  return own ? ` Called ${own.trim()}.` : '';
}

/** Registers the kernels above, and for every other kernel of TensorFlow.js one that says that it can't be traced. */
export function registerRecordingKernels(): void {
  for (const [kernelName, kernel] of RECORDED) {
    tf.registerKernel({
      kernelName,
      backendName: RECORDING_BACKEND,
      kernelFunc: ({ inputs, attrs }) => {
        const values: Record<string, Value> = {};
        for (const [name, tensor] of Object.entries(inputs))
          if (tensor) values[name] = graphValue(tensor as tf.TensorInfo);
        const result = kernel(values, attrs, currentBuilder());
        return Array.isArray(result) ? result.map(infoOf) : infoOf(result as Value);
      },
    });
  }
  for (const { kernelName } of tf.getKernelsForBackend('cpu')) {
    if (RECORDED.has(kernelName)) continue;
    tf.registerKernel({
      kernelName,
      backendName: RECORDING_BACKEND,
      kernelFunc: () => {
        throw new Error(
          `The op '${kernelName}' can't be traced.${callSite()} Compute it outside of the compiled step and pass the ` +
            "result in as an input, write it with other ops, or use engine 'tfjs', which runs eagerly.",
        );
      },
    });
  }
}
