import { type Attributes, broadcastShapes, sizeOf, type Value, type ValueType } from './graph';

interface OutputType {
  readonly dtype: ValueType;
  readonly shape: readonly number[];
}
type Infer = (inputs: readonly Value[], attributes: Attributes) => OutputType[];

/** Same shape and dtype in and out, each element for itself. `Step` is 1 above zero, 0 below and at it, NaN for NaN. */
export const UNARY_OPS: ReadonlySet<string> = new Set(
  (
    'Neg Abs Exp Log Sqrt Reciprocal Erf Tanh Sigmoid HardSigmoid Relu Step Softplus Sign Floor Ceil Round Not Gelu ' +
    'Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh'
  ).split(' '),
);
/**
 * Two operands that broadcast; the result has their dtype. Of int32, `Div` goes towards zero and is 0 where the divisor is;
 * `Mod` is C's `fmod`, of float32 alone. `Max` and `Min` are NaN where an operand is.
 */
export const ARITHMETIC_OPS: ReadonlySet<string> = new Set(
  'Add Sub Mul Div Mod Pow Max Min And Or BitwiseAnd'.split(' '),
);
/** Two operands that broadcast; the result is `bool`. */
export const COMPARISON_OPS: ReadonlySet<string> = new Set(
  'Greater GreaterOrEqual Less LessOrEqual Equal'.split(' '),
);
/** `ReduceMax` and `ReduceMin` are NaN where an element is. */
export const REDUCE_OPS: ReadonlySet<string> = new Set(
  'ReduceSum ReduceSumSquare ReduceL2 ReduceMean ReduceMax ReduceMin ReduceProd'.split(' '),
);

/** Ops that treat every element alike and broadcast: what may pass through a transpose or a broadcast. */
export const isElementwise = (op: string): boolean =>
  UNARY_OPS.has(op) || ARITHMETIC_OPS.has(op) || COMPARISON_OPS.has(op) || op === 'Where' || op === 'Cast';

/** Ops that only move elements. */
export const MOVING_OPS: ReadonlySet<string> = new Set(
  'Reshape Transpose Broadcast Slice Concat Pad Tile'.split(' '),
);

/** Attributes are checked by whoever emits the node; here they are read as what they must be. */
export const numbers = (attributes: Attributes, name: string): readonly number[] =>
  attributes[name] as readonly number[];
export const number = (attributes: Attributes, name: string): number => attributes[name] as number;
export const flag = (attributes: Attributes, name: string): boolean => attributes[name] as boolean;

/** Where a slice begins, ends and how it steps, on the axes where it takes less than all. */
export function sliceBounds(attributes: Attributes, shape: readonly number[]) {
  const begin = numbers(attributes, 'begin');
  const strides = numbers(attributes, 'strides');
  const size = numbers(attributes, 'size');
  // Going backwards, the end before the first element is far below zero.
  const end = begin.map((start, i) =>
    strides[i]! > 0 ? start + size[i]! : start - size[i]! < 0 ? -(2 ** 31) : start - size[i]!,
  );
  const axes = begin
    .map((_, i) => i)
    .filter((i) => begin[i] !== 0 || end[i] !== shape[i] || strides[i] !== 1);
  const at = (list: readonly number[]) => axes.map((i) => list[i]!);
  return { axes, begin: at(begin), end: at(end), strides: at(strides) };
}

export function reducedShape(shape: readonly number[], axes: readonly number[], keepDims: boolean): number[] {
  if (keepDims) return shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
  return shape.filter((_, i) => !axes.includes(i));
}

const like = (value: Value, shape: readonly number[] = value.shape): OutputType => ({
  dtype: value.dtype,
  shape,
});

function matMulShape([a, b]: readonly Value[], attributes: Attributes): number[] {
  const rows = a!.shape.at(flag(attributes, 'transposeA') ? -1 : -2)!;
  const inner = a!.shape.at(flag(attributes, 'transposeA') ? -2 : -1)!;
  const innerB = b!.shape.at(flag(attributes, 'transposeB') ? -1 : -2)!;
  const columns = b!.shape.at(flag(attributes, 'transposeB') ? -2 : -1)!;
  if (inner !== innerB)
    throw new Error(`MatMul of [${a!.shape}] and [${b!.shape}]: ${inner} is not ${innerB}.`);
  return [...broadcastShapes(a!.shape.slice(0, -2), b!.shape.slice(0, -2)), rows, columns];
}

/** How many windows there are along each axis of an image; pads are those before all axes, then those after. */
export const windowCounts = (
  space: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  pads: readonly number[],
  dilations: readonly number[] = space.map(() => 1),
): number[] =>
  space.map((size, i) => {
    const room = size + pads[i]! + pads[i + space.length]! - dilations[i]! * (kernel[i]! - 1) - 1;
    return Math.floor(room / strides[i]!) + 1;
  });

const pooled: Infer = ([x], a) => {
  const [n, c, ...space] = x!.shape as [number, number, ...number[]];
  const counts = windowCounts(space, numbers(a, 'kernel'), numbers(a, 'strides'), numbers(a, 'pads'));
  return [like(x!, [n, c, ...counts])];
};

const reduce: Infer = ([x], a) => [like(x!, reducedShape(x!.shape, numbers(a, 'axes'), flag(a, 'keepDims')))];

/**
 * Output types of every op that is not elementwise. Images are [N, C, H, W] or [N, C, D, H, W], filters
 * [O, C / group, kh, kw] or [O, C / group, kd, kh, kw].
 */
const INFER: Readonly<Record<string, Infer>> = {
  /** The same in memory of its own; only engines' forms have it. */
  Copy: ([x]) => [like(x!)],
  Cast: ([x], a) => [{ dtype: a.dtype as ValueType, shape: x!.shape }],
  Where: ([c, a, b]) => [like(a!, broadcastShapes(broadcastShapes(c!.shape, a!.shape), b!.shape))],
  Broadcast: ([x], a) => [like(x!, numbers(a, 'shape'))],
  Reshape: ([x], a) => {
    const shape = numbers(a, 'shape');
    if (sizeOf(shape) !== sizeOf(x!.shape)) throw new Error(`Reshape of [${x!.shape}] to [${shape}].`);
    return [like(x!, shape)];
  },
  Transpose: ([x], a) => [
    like(
      x!,
      numbers(a, 'perm').map((axis) => x!.shape[axis]!),
    ),
  ],
  Slice: ([x], a) => {
    const strides = numbers(a, 'strides');
    return [
      like(
        x!,
        numbers(a, 'size').map((size, i) => Math.ceil(size / Math.abs(strides[i]!))),
      ),
    ];
  },
  Concat: (xs, a) => {
    const axis = number(a, 'axis');
    const total = xs.reduce((sum, x) => sum + x.shape[axis]!, 0);
    return [
      like(
        xs[0]!,
        xs[0]!.shape.map((dim, i) => (i === axis ? total : dim)),
      ),
    ];
  },
  Pad: ([x], a) => {
    const before = numbers(a, 'before');
    const after = numbers(a, 'after');
    return [
      like(
        x!,
        x!.shape.map((dim, i) => dim + before[i]! + after[i]!),
      ),
    ];
  },
  Tile: ([x], a) => [
    like(
      x!,
      x!.shape.map((dim, i) => dim * numbers(a, 'repeats')[i]!),
    ),
  ],
  CumSum: ([x]) => [like(x!)],
  ReduceSum: reduce,
  ReduceSumSquare: reduce,
  ReduceL2: reduce,
  ReduceMean: reduce,
  ReduceMax: reduce,
  ReduceMin: reduce,
  ReduceProd: reduce,
  /**
   * The place of the largest along an axis, the first of equal ones, as found by going on from the first element to what is
   * larger: a NaN in front stays, every other one is passed over.
   */
  ArgMax: ([x], a) => [{ dtype: 'int32', shape: reducedShape(x!.shape, [number(a, 'axis')], false) }],
  ArgMin: ([x], a) => [{ dtype: 'int32', shape: reducedShape(x!.shape, [number(a, 'axis')], false) }],
  Softmax: ([x]) => [like(x!)],
  LogSoftmax: ([x]) => [like(x!)],
  LayerNorm: ([x]) => {
    const rows = [...x!.shape.slice(0, -1), 1];
    return [like(x!), like(x!, rows), like(x!, rows)];
  },
  MatMul: (inputs, a) => [like(inputs[0]!, matMulShape(inputs, a))],
  Gather: ([x, indices], a) => {
    const axis = number(a, 'axis');
    return [like(x!, [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)])];
  },
  /** The same; a run fails where an index is not in [0, limit). One limit is that of all, more are those of the last axis. */
  CheckedIndex: ([x]) => [like(x!)],
  /** What `indices` [..., depth] name by their places on the first `depth` axes of `x`. */
  GatherND: ([x, indices]) => [
    like(x!, [...indices!.shape.slice(0, -1), ...x!.shape.slice(indices!.shape.at(-1)!)]),
  ],
  /** `target` with `updates` [n, ...] added, or put by `max` or in place of the old, where `indices` [n, depth] say. */
  ScatterND: ([target]) => [like(target!)],
  /** The `k` largest of the last axis, largest first, the first of equal ones in front: values, places. */
  TopK: ([x], a) => {
    const shape = [...x!.shape.slice(0, -1), number(a, 'k')];
    return [like(x!, shape), { dtype: 'int32', shape }];
  },
  /** Rows of `x` [n, ...] added up into [numRows, ...] at `indices` [n], all of them rows. */
  ScatterAdd: ([x], a) => [like(x!, [number(a, 'numRows'), ...x!.shape.slice(1)])],
  Conv: ([x, w], a) => {
    const [n, , ...space] = x!.shape as [number, number, ...number[]];
    const counts = windowCounts(
      space,
      w!.shape.slice(2),
      numbers(a, 'strides'),
      numbers(a, 'pads'),
      numbers(a, 'dilations'),
    );
    return [like(x!, [n, w!.shape[0]!, ...counts])];
  },
  ConvInputGradient: ([dy], a) => [like(dy!, numbers(a, 'inputShape'))],
  ConvFilterGradient: ([x], a) => [like(x!, numbers(a, 'filterShape'))],
  MaxPool: (inputs, a) => {
    const [values] = pooled(inputs, a);
    return [values!, { dtype: 'int64', shape: values!.shape }];
  },
  /**
   * The gradient of a max pool whose windows do not overlap, by the indices that it returned: what they count, and their
   * type, is between the two ops of an engine.
   */
  MaxUnpool: ([dy], a) => [like(dy!, numbers(a, 'outputShape'))],
  AveragePool: pooled,
  UpsampleNearest: ([x], a) => {
    const [n, c, h, w] = x!.shape as [number, number, number, number];
    const [fh, fw] = numbers(a, 'factors') as [number, number];
    return [like(x!, [n, c, h * fh, w * fw])];
  },
  /** Of `[n, h, w, c]`; `coordinates`, in ONNX's words: 'half_pixel', 'asymmetric' or 'align_corners'. */
  ResizeBilinear: ([x], a) => [like(x!, [x!.shape[0]!, ...numbers(a, 'size'), x!.shape[3]!])],
};

/** Output dtypes and shapes of an op. @throws when the op is unknown or its operands do not fit */
export function inferOutputs(op: string, inputs: readonly Value[], attributes: Attributes): OutputType[] {
  if (UNARY_OPS.has(op)) return [like(inputs[0]!)];
  const [a, b] = inputs;
  if (ARITHMETIC_OPS.has(op)) return [like(a!, broadcastShapes(a!.shape, b!.shape))];
  if (COMPARISON_OPS.has(op)) return [{ dtype: 'bool', shape: broadcastShapes(a!.shape, b!.shape) }];
  const infer = INFER[op];
  if (!infer) throw new Error(`The graph has no op '${op}'.`);
  return infer(inputs, attributes);
}
