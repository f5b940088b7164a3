/**
 * Every op of the graph: the tensors that it takes, its attributes, the tensors that it makes. What it makes of their
 * shapes is in `inferOutputs.ts`; what it becomes in an engine, in that engine's lowerings.
 */
import type { ConstantData, Value, ValueType } from './value';

interface Op<
  Inputs extends readonly Value[],
  Attributes = unknown,
  Outputs extends readonly [Value, ...Value[]] = [value: Value],
> {
  readonly inputs: Readonly<Inputs>;
  readonly attributes: Readonly<Attributes> & Native;
  readonly outputs: Readonly<Outputs>;
}

/** A rule that has made an op exact marks the engine's own op inside, so that it is not made exact again. */
type Native = { readonly native?: true };

type Numbers = readonly number[];

/** Same shape and dtype in and out, each element for itself. `Step` is 1 above zero, 0 below and at it, NaN for NaN. */
export const UNARY = [
  'Neg',
  'Abs',
  'Exp',
  'Log',
  'Sqrt',
  'Reciprocal',
  'Erf',
  'Tanh',
  'Sigmoid',
  'Relu',
  'Step',
  'Softplus',
  'Sign',
  'Floor',
  'Ceil',
  'Round',
  'Not',
  'Gelu',
  'Sin',
  'Cos',
  'Tan',
  'Asin',
  'Acos',
  'Atan',
  'Sinh',
  'Cosh',
  'Asinh',
  'Acosh',
  'Atanh',
] as const;
/**
 * Two operands that broadcast; the result has their dtype. Of int32, `Div` goes towards zero and is 0 where the divisor is;
 * `Mod` is C's `fmod`, of float32 alone. `Max` and `Min` are NaN where an operand is.
 */
export const ARITHMETIC = [
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Mod',
  'Pow',
  'Max',
  'Min',
  'And',
  'Or',
  'BitwiseAnd',
] as const;
/** Two operands that broadcast; the result is `bool`. */
export const COMPARISONS = ['Greater', 'GreaterOrEqual', 'Less', 'LessOrEqual', 'Equal'] as const;
/** `ReduceMax` and `ReduceMin` are NaN where an element is. */
export const REDUCTIONS = ['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceProd'] as const;

export type UnaryOp = (typeof UNARY)[number];
export type ArithmeticOp = (typeof ARITHMETIC)[number];
export type ComparisonOp = (typeof COMPARISONS)[number];
export type ReduceOp = (typeof REDUCTIONS)[number];

interface Reduction {
  axes: Numbers;
  keepDims: boolean;
}

/** One number for each axis of the image; pads are those before all axes, then those after. */
export interface WindowSteps {
  readonly strides: Numbers;
  readonly pads: Numbers;
}
export interface Pooling extends WindowSteps {
  readonly kernel: Numbers;
}
export interface Convolution extends WindowSteps {
  readonly dilations: Numbers;
  readonly group: number;
}

/**
 * What traced programs are made of. Images are [N, C, H, W] or [N, C, D, H, W], filters [O, C / group, kh, kw] or
 * [O, C / group, kd, kh, kw].
 */
export interface ProgramOps
  extends Record<UnaryOp, Op<[x: Value]>>,
    Record<ArithmeticOp | ComparisonOp, Op<[a: Value, b: Value]>>,
    Record<ReduceOp, Op<[x: Value], Reduction>> {
  Cast: Op<[x: Value], { dtype: ValueType }>;
  Where: Op<[condition: Value, a: Value, b: Value]>;
  Broadcast: Op<[x: Value], { shape: Numbers }>;
  Reshape: Op<[x: Value], { shape: Numbers }>;
  Transpose: Op<[x: Value], { perm: Numbers }>;
  Slice: Op<[x: Value], { begin: Numbers; size: Numbers; strides: Numbers }>;
  Concat: Op<Value[], { axis: number }>;
  Pad: Op<[x: Value], { before: Numbers; after: Numbers; value: number }>;
  Tile: Op<[x: Value], { repeats: Numbers }>;
  CumSum: Op<[x: Value], { axis: number; exclusive: boolean; reverse: boolean }>;
  /**
   * The place of the largest along an axis, the first of equal ones, as found by going on from the first element to what is
   * larger: a NaN in front stays, every other one is passed over.
   */
  ArgMax: Op<[x: Value], { axis: number }>;
  ArgMin: Op<[x: Value], { axis: number }>;
  /** Along the last axis. */
  Softmax: Op<[x: Value]>;
  LogSoftmax: Op<[x: Value]>;
  LayerNorm: Op<
    [x: Value, scale: Value, offset: Value],
    { epsilon: number },
    [y: Value, mean: Value, inverseDeviation: Value]
  >;
  MatMul: Op<[a: Value, b: Value], { transposeA: boolean; transposeB: boolean }>;
  Gather: Op<[x: Value, indices: Value], { axis: number }>;
  /** The same; a run fails where an index is not in [0, limit). One limit is that of all, more are those of the last axis. */
  CheckedIndex: Op<[indices: Value], { limits: Numbers; op: string }>;
  /** What `indices` [..., depth] name by their places on the first `depth` axes of `x`. */
  GatherND: Op<[x: Value, indices: Value]>;
  /** `target` with `updates` [n, ...] added, or put by `max` or in place of the old, where `indices` [n, depth] say. */
  ScatterND: Op<[target: Value, indices: Value, updates: Value], { reduction: 'add' | 'max' | 'none' }>;
  /** The `k` largest of the last axis, largest first, the first of equal ones in front: values, places. */
  TopK: Op<[x: Value], { k: number }, [values: Value, places: Value]>;
  /** Rows of `x` [n, ...] added up into [numRows, ...] at `indices` [n], all of them rows. */
  ScatterAdd: Op<[x: Value, indices: Value], { numRows: number }>;
  Conv: Op<[x: Value, filter: Value], Convolution>;
  ConvInputGradient: Op<[dy: Value, filter: Value], Convolution & { inputShape: Numbers }>;
  ConvFilterGradient: Op<[x: Value, dy: Value], Convolution & { filterShape: Numbers }>;
  MaxPool: Op<[x: Value], Pooling, [values: Value, indices: Value]>;
  /**
   * The gradient of a max pool whose windows do not overlap, by the indices that it returned: what they count, and their
   * type, is between the two ops of an engine.
   */
  MaxUnpool: Op<[dy: Value, indices: Value], Pooling & { outputShape: Numbers }>;
  AveragePool: Op<[x: Value], Pooling>;
  UpsampleNearest: Op<[x: Value], { factors: Numbers }>;
  /** Images are `[n, h, w, c]`; `coordinates` in ONNX's words. */
  ResizeBilinear: Op<
    [image: Value],
    { size: Numbers; coordinates: 'half_pixel' | 'asymmetric' | 'align_corners' }
  >;
}

/** What engines' forms have besides. */
export interface FormOps {
  /** The same, in memory of its own: no compiler sees through it. */
  Copy: Op<[x: Value]>;
}
/** What only OpenVINO's forms have. */
export interface OpenvinoOps {
  ReduceL2: Op<[x: Value], Reduction>;
}
/** What only the forms for onnxruntime's CPU kernels have. */
export interface OnnxruntimeOps {
  /** `alpha` x, no less than 0 and no more than 1. */
  HardSigmoid: Op<[x: Value], { alpha: number }>;
  ReduceSumSquare: Op<[x: Value], Reduction>;
}

/** What the builder infers nothing of: a tensor that is given to the program, one that it knows. */
interface Sources {
  Input: Op<[], { name: string }>;
  Constant: Op<[], { data: ConstantData }>;
}

export interface Ops extends ProgramOps, FormOps, OpenvinoOps, OnnxruntimeOps {}
export type OpName = keyof Ops;

interface Nodes extends Ops, Sources {}
export type NodeName = keyof Nodes;
export type Inputs<K extends NodeName> = Nodes[K]['inputs'];
export type Attributes<K extends NodeName> = Nodes[K]['attributes'];
export type Outputs<K extends NodeName> = Nodes[K]['outputs'];

/** Ops that need no attributes. */
export type PlainOp = { [K in OpName]: Native extends Attributes<K> ? K : never }[OpName];

/** An op and what it is applied to: one of these, or any. */
export type Operation<K extends NodeName = OpName> = {
  readonly [P in K]: {
    readonly op: P;
    readonly inputs: Inputs<P>;
    readonly attributes: Attributes<P>;
  };
}[K];

/** An operation in the graph, with the tensors that it makes. */
export type Node<K extends NodeName = NodeName> = {
  readonly [P in K]: {
    readonly op: P;
    readonly inputs: Inputs<P>;
    readonly attributes: Attributes<P>;
    readonly outputs: Outputs<P>;
  };
}[K];

/** All reductions, those that one engine alone has too. */
export const ALL_REDUCTIONS = [...REDUCTIONS, 'ReduceL2', 'ReduceSumSquare'] as const;
/** Ops that treat every element alike and broadcast: what may pass through a transpose or a broadcast. */
export const ELEMENTWISE = [...UNARY, 'HardSigmoid', ...ARITHMETIC, ...COMPARISONS, 'Where', 'Cast'] as const;
/** Ops that only move elements. */
export const MOVING = ['Reshape', 'Transpose', 'Broadcast', 'Slice', 'Concat', 'Pad', 'Tile'] as const;

interface Named {
  readonly op: NodeName;
}

/** Tells operations, or nodes, of some ops from all others. */
export function among<K extends NodeName>(
  ops: readonly K[],
): <N extends Named>(node: N) => node is Extract<N, { op: K }> {
  const names: ReadonlySet<string> = new Set(ops);
  return <N extends Named>(node: N): node is Extract<N, { op: K }> => names.has(node.op);
}

export const isElementwise = among(ELEMENTWISE);
export const isMoving = among(MOVING);

/** The same for every one of some ops. */
export const forAll = <K extends string, T>(names: readonly K[], value: T): Readonly<Record<K, T>> =>
  // `Object.fromEntries` does not keep which names there are.
  Object.fromEntries(names.map((name) => [name, value])) as Record<K, T>;
