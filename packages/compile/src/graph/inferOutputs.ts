import { broadcastShapes, sizeOf, type Value, type ValueType } from './graph';
import { at, type Each } from './lists';
import {
  ARITHMETIC,
  type Attributes,
  COMPARISONS,
  forAll,
  type Inputs,
  type OpName,
  type Outputs,
  type Pooling,
  REDUCTIONS,
  UNARY,
} from './ops';

export interface OutputType {
  readonly dtype: ValueType;
  readonly shape: readonly number[];
}
type Infer<K extends OpName> = (inputs: Inputs<K>, attributes: Attributes<K>) => Each<Outputs<K>, OutputType>;

export function reducedShape(shape: readonly number[], axes: readonly number[], keepDims: boolean): number[] {
  if (keepDims) return shape.map((dim, i) => (axes.includes(i) ? 1 : dim));
  return shape.filter((_, i) => !axes.includes(i));
}

const like = ({ dtype, shape: own }: Value, shape: readonly number[] = own): OutputType => ({ dtype, shape });

function matMulShape([a, b]: Inputs<'MatMul'>, { transposeA, transposeB }: Attributes<'MatMul'>): number[] {
  const rows = at(a.shape, transposeA ? -1 : -2);
  const inner = at(a.shape, transposeA ? -2 : -1);
  const innerB = at(b.shape, transposeB ? -1 : -2);
  const columns = at(b.shape, transposeB ? -2 : -1);
  if (inner !== innerB)
    throw new Error(`MatMul of [${a.shape}] and [${b.shape}]: ${inner} is not ${innerB}.`);
  return [...broadcastShapes(a.shape.slice(0, -2), b.shape.slice(0, -2)), rows, columns];
}

/** How many windows there are along each axis of an image; pads are those before all axes, then those after. */
const windowCounts = (
  space: readonly number[],
  kernel: readonly number[],
  strides: readonly number[],
  pads: readonly number[],
  dilations: readonly number[] = space.map(() => 1),
): number[] =>
  space.map((size, i) => {
    const room = size + at(pads, i) + at(pads, i + space.length) - at(dilations, i) * (at(kernel, i) - 1) - 1;
    return Math.floor(room / at(strides, i)) + 1;
  });

function pooled(x: Value, { kernel, strides, pads }: Pooling): OutputType {
  const counts = windowCounts(x.shape.slice(2), kernel, strides, pads);
  return like(x, [...x.shape.slice(0, 2), ...counts]);
}

const INFERENCE: { readonly [K in OpName]: Infer<K> } = {
  ...forAll(UNARY, ([x]: readonly [Value]) => [like(x)] as const),
  ...forAll(
    ARITHMETIC,
    ([a, b]: readonly [Value, Value]) => [like(a, broadcastShapes(a.shape, b.shape))] as const,
  ),
  ...forAll(
    COMPARISONS,
    ([a, b]: readonly [Value, Value]) =>
      [{ dtype: 'bool', shape: broadcastShapes(a.shape, b.shape) }] as const,
  ),
  ...forAll([...REDUCTIONS, 'ReduceL2', 'ReduceSumSquare'], (([x], { axes, keepDims }) => [
    like(x, reducedShape(x.shape, axes, keepDims)),
  ]) satisfies Infer<'ReduceSum'>),
  HardSigmoid: ([x]) => [like(x)],
  Copy: ([x]) => [like(x)],
  Cast: ([x], { dtype }) => [{ dtype, shape: x.shape }],
  Where: ([c, a, b]) => [like(a, broadcastShapes(broadcastShapes(c.shape, a.shape), b.shape))],
  Broadcast: ([x], { shape }) => [like(x, shape)],
  Reshape: ([x], { shape }) => {
    if (sizeOf(shape) !== sizeOf(x.shape)) throw new Error(`Reshape of [${x.shape}] to [${shape}].`);
    return [like(x, shape)];
  },
  Transpose: ([x], { perm }) => [
    like(
      x,
      perm.map((axis) => at(x.shape, axis)),
    ),
  ],
  Slice: ([x], { size, strides }) => [
    like(
      x,
      size.map((length, i) => Math.ceil(length / Math.abs(at(strides, i)))),
    ),
  ],
  Concat: (xs, { axis }) => {
    const first = at(xs, 0);
    const total = xs.reduce((sum, x) => sum + at(x.shape, axis), 0);
    return [
      like(
        first,
        first.shape.map((dim, i) => (i === axis ? total : dim)),
      ),
    ];
  },
  Pad: ([x], { before, after }) => [
    like(
      x,
      x.shape.map((dim, i) => dim + at(before, i) + at(after, i)),
    ),
  ],
  Tile: ([x], { repeats }) => [
    like(
      x,
      x.shape.map((dim, i) => dim * at(repeats, i)),
    ),
  ],
  CumSum: ([x]) => [like(x)],
  ArgMax: ([x], { axis }) => [{ dtype: 'int32', shape: reducedShape(x.shape, [axis], false) }],
  ArgMin: ([x], { axis }) => [{ dtype: 'int32', shape: reducedShape(x.shape, [axis], false) }],
  Softmax: ([x]) => [like(x)],
  LogSoftmax: ([x]) => [like(x)],
  LayerNorm: ([x]) => {
    const rows = [...x.shape.slice(0, -1), 1];
    return [like(x), like(x, rows), like(x, rows)];
  },
  MatMul: (inputs, attributes) => [like(inputs[0], matMulShape(inputs, attributes))],
  Gather: ([x, indices], { axis }) => [
    like(x, [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)]),
  ],
  CheckedIndex: ([indices]) => [like(indices)],
  GatherND: ([x, indices]) => [
    like(x, [...indices.shape.slice(0, -1), ...x.shape.slice(at(indices.shape, -1))]),
  ],
  ScatterND: ([target]) => [like(target)],
  TopK: ([x], { k }) => {
    const shape = [...x.shape.slice(0, -1), k];
    return [like(x, shape), { dtype: 'int32', shape }];
  },
  ScatterAdd: ([x], { numRows }) => [like(x, [numRows, ...x.shape.slice(1)])],
  Conv: ([x, filter], { strides, pads, dilations }) => {
    const counts = windowCounts(x.shape.slice(2), filter.shape.slice(2), strides, pads, dilations);
    return [like(x, [at(x.shape, 0), at(filter.shape, 0), ...counts])];
  },
  ConvInputGradient: ([dy], { inputShape }) => [like(dy, inputShape)],
  ConvFilterGradient: ([x], { filterShape }) => [like(x, filterShape)],
  MaxPool: ([x], attributes) => {
    const values = pooled(x, attributes);
    return [values, { dtype: 'int64', shape: values.shape }];
  },
  MaxUnpool: ([dy], { outputShape }) => [like(dy, outputShape)],
  AveragePool: ([x], attributes) => [pooled(x, attributes)],
  UpsampleNearest: ([x], { factors }) => [
    like(
      x,
      x.shape.map((dim, i) => (i < 2 ? dim : dim * at(factors, i - 2))),
    ),
  ],
  ResizeBilinear: ([image], { size }) => [like(image, [at(image.shape, 0), ...size, at(image.shape, 3)])],
};

/** Output dtypes and shapes of an op. @throws when its operands do not fit */
export const inferOutputs = <K extends OpName>(
  op: K,
  inputs: Inputs<K>,
  attributes: Attributes<K>,
): Each<Outputs<K>, OutputType> => INFERENCE[op](inputs, attributes);
