import type { GraphBuilder } from '../graph/builder';
import { type ConstantData, padShape, sizeOf, type Value, type ValueType } from '../graph/graph';
import { inferOutputs } from '../graph/inferOutputs';
import { at, mapIfAll } from '../graph/lists';
import type { Operation, OpName } from '../graph/ops';
import { produced } from './algebraRules';
import type { Rule } from './rule';

/** Larger results are left to the engine: a folded one is stored in the model. */
const LARGEST_FOLDED = 1 << 20;

type Functions = { readonly [K in OpName]?: (...x: number[]) => number };

/** The ops as functions of one element of each operand. */
const SCALAR: Functions = {
  Neg: (x: number) => -x,
  Abs: Math.abs,
  Exp: Math.exp,
  Log: Math.log,
  Sqrt: Math.sqrt,
  Reciprocal: (x: number) => 1 / x,
  Tanh: Math.tanh,
  Sign: Math.sign,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Relu: (x: number) => Math.max(x, 0),
  Not: (x) => (x ? 0 : 1),
  Add: (a: number, b: number) => a + b,
  Sub: (a: number, b: number) => a - b,
  Mul: (a: number, b: number) => a * b,
  Div: (a: number, b: number) => a / b,
  Mod: (a: number, b: number) => a % b,
  Pow: Math.pow,
  Max: Math.max,
  Min: Math.min,
  And: (a, b) => (a && b ? 1 : 0),
  Or: (a, b) => (a || b ? 1 : 0),
  Greater: (a: number, b: number) => Number(a > b),
  GreaterOrEqual: (a: number, b: number) => Number(a >= b),
  Less: (a: number, b: number) => Number(a < b),
  LessOrEqual: (a: number, b: number) => Number(a <= b),
  Equal: (a, b) => Number(a === b),
  Where: (c: number, a: number, b: number) => (c ? a : b),
};

/** What differs for int32: its products are exact modulo 2^32. */
const SCALAR_INT32: Functions = { Mul: Math.imul };

const allocate = (dtype: ValueType, size: number): ConstantData =>
  dtype === 'float32'
    ? new Float32Array(size)
    : dtype === 'int32'
      ? new Int32Array(size)
      : new Uint8Array(size);

const stridesOf = (shape: readonly number[]): number[] => shape.map((_, i) => sizeOf(shape.slice(i + 1)));

/** For each element of `shape`, the offset that `offset(coordinates)` gives, in row-major order. */
function* coordinates(shape: readonly number[]): Generator<readonly number[]> {
  const index = shape.map(() => 0);
  for (let n = sizeOf(shape); n > 0; n--) {
    yield index;
    for (let axis = shape.length - 1; axis >= 0 && ++index[axis]! === shape[axis]; axis--) index[axis] = 0;
  }
}
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * at(b, i), 0);

type Constant = { readonly data: ConstantData; readonly shape: readonly number[] };

/** Elements of `x` picked in the order of the output, into `data`: what transposes, slices and broadcasts do. */
function pick<A extends ConstantData | Float64Array>(
  x: Constant,
  shape: readonly number[],
  data: A,
  offset: (place: readonly number[]) => number,
): A {
  let i = 0;
  for (const place of coordinates(shape)) data[i++] = at(x.data, offset(place));
  return data;
}

function broadcastOffset(x: Constant, rank: number) {
  const from = padShape(x.shape, rank);
  const strides = stridesOf(from).map((stride, axis) => (from[axis] === 1 ? 0 : stride));
  return (place: readonly number[]) => dot(place, strides);
}

/** @param xs the operands, at least one */
function evaluate(
  { op, attributes }: Operation,
  xs: readonly Constant[],
  shape: readonly number[],
  dtype: ValueType,
): ConstantData | undefined {
  const x = at(xs, 0);
  const size = sizeOf(shape);
  const result = allocate(dtype, size);
  const scalar = (dtype === 'int32' && SCALAR_INT32[op]) || SCALAR[op];
  if (scalar) {
    const operands = xs.map((c) => pick(c, shape, new Float64Array(size), broadcastOffset(c, shape.length)));
    return result.map((_, i) => scalar(...operands.map((operand) => at(operand, i))));
  }
  if (op === 'Cast')
    return result.map((_, i) => (dtype === 'bool' ? Number(x.data[i] !== 0) : at(x.data, i)));
  if (op === 'Reshape') return x.data;
  if (op === 'Transpose') {
    const strides = stridesOf(x.shape);
    const moved = attributes.perm.map((axis) => at(strides, axis));
    return pick(x, shape, result, (place) => dot(place, moved));
  }
  if (op === 'Slice') {
    const strides = stridesOf(x.shape);
    const first = dot(attributes.begin, strides);
    const steps = attributes.strides.map((step, i) => step * at(strides, i));
    return pick(x, shape, result, (place) => first + dot(place, steps));
  }
  if (op === 'Concat') {
    const { axis } = attributes;
    const strides = stridesOf(shape);
    let start = 0;
    for (const part of xs) {
      let i = 0;
      for (const place of coordinates(part.shape)) result[dot(place, strides) + start] = at(part.data, i++);
      start += at(part.shape, axis) * at(strides, axis);
    }
    return result;
  }
  return undefined;
}

const FOLDED: ReadonlySet<string> = new Set<string>([
  ...Object.keys(SCALAR),
  'Cast',
  'Reshape',
  'Transpose',
  'Slice',
  'Concat',
]);

function constantOf(value: Value, builder: GraphBuilder): Constant | undefined {
  const node = produced(value, 'Constant', builder);
  return node && { data: node.attributes.data, shape: value.shape };
}

/** Ops on constants are done now. A broadcast of a constant stays a broadcast: the small form is the useful one. */
export const foldConstants: Rule = (operation, builder) => {
  const { op, inputs, attributes } = operation;
  if (!FOLDED.has(op) || inputs.length === 0) return undefined;
  const constants = mapIfAll(inputs, (input) => constantOf(input, builder));
  if (!constants) return undefined;
  const [{ dtype, shape }] = inferOutputs(op, inputs, attributes);
  if (dtype === 'bfloat16' || sizeOf(shape) > LARGEST_FOLDED) return undefined;
  const data = evaluate(operation, constants, shape, dtype);
  return data && builder.constant(data, dtype, shape);
};
