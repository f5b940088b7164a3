import type { GraphBuilder } from '../graph/builder';
import {
  type Attributes,
  type ConstantData,
  padShape,
  sizeOf,
  type Value,
  type ValueType,
} from '../graph/graph';
import { inferOutputs, number, numbers } from '../graph/ops';
import type { Rule } from './rule';

/** Larger results are left to the engine: a folded one is stored in the model. */
const LARGEST_FOLDED = 1 << 20;

const SCALAR: Readonly<Record<string, (...x: number[]) => number>> = {
  Neg: (x) => -x!,
  Abs: Math.abs,
  Exp: Math.exp,
  Log: Math.log,
  Sqrt: Math.sqrt,
  Reciprocal: (x) => 1 / x!,
  Tanh: Math.tanh,
  Sign: Math.sign,
  Floor: Math.floor,
  Ceil: Math.ceil,
  Relu: (x) => Math.max(x!, 0),
  Not: (x) => (x ? 0 : 1),
  Add: (a, b) => a! + b!,
  Sub: (a, b) => a! - b!,
  Mul: (a, b) => a! * b!,
  Div: (a, b) => a! / b!,
  Mod: (a, b) => a! % b!,
  Pow: Math.pow,
  Max: Math.max,
  Min: Math.min,
  And: (a, b) => (a && b ? 1 : 0),
  Or: (a, b) => (a || b ? 1 : 0),
  Greater: (a, b) => Number(a! > b!),
  GreaterOrEqual: (a, b) => Number(a! >= b!),
  Less: (a, b) => Number(a! < b!),
  LessOrEqual: (a, b) => Number(a! <= b!),
  Equal: (a, b) => Number(a === b),
  Where: (c, a, b) => (c ? a! : b!),
};

/** Of int32, whose products are exact modulo 2^32. */
const SCALAR_INT32: typeof SCALAR = { Mul: Math.imul };

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
const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

type Constant = { readonly data: ConstantData; readonly shape: readonly number[] };

/** Elements of `x` picked in the order of the output, into `data`: what transposes, slices and broadcasts do. */
function pick<A extends ConstantData | Float64Array>(
  x: Constant,
  shape: readonly number[],
  data: A,
  offset: (at: readonly number[]) => number,
): A {
  let i = 0;
  for (const at of coordinates(shape)) data[i++] = x.data[offset(at)]!;
  return data;
}

function broadcastOffset(x: Constant, rank: number) {
  const from = padShape(x.shape, rank);
  const strides = stridesOf(from).map((stride, axis) => (from[axis] === 1 ? 0 : stride));
  return (at: readonly number[]) => dot(at, strides);
}

function evaluate(
  op: string,
  xs: readonly Constant[],
  attributes: Attributes,
  shape: readonly number[],
  dtype: ValueType,
) {
  const [x] = xs as [Constant];
  const size = sizeOf(shape);
  const result = allocate(dtype, size);
  const scalar = (dtype === 'int32' && SCALAR_INT32[op]) || SCALAR[op];
  if (scalar) {
    const operands = xs.map((c) => pick(c, shape, new Float64Array(size), broadcastOffset(c, shape.length)));
    return result.map((_, i) => scalar(...operands.map((operand) => operand[i]!)));
  }
  if (op === 'Cast') return result.map((_, i) => (dtype === 'bool' ? Number(x.data[i] !== 0) : x.data[i]!));
  if (op === 'Reshape') return x.data;
  if (op === 'Transpose') {
    const strides = stridesOf(x.shape);
    const perm = numbers(attributes, 'perm');
    return pick(x, shape, result, (at) => at.reduce((sum, k, i) => sum + k * strides[perm[i]!]!, 0));
  }
  if (op === 'Slice') {
    const strides = stridesOf(x.shape);
    const begin = numbers(attributes, 'begin');
    const step = numbers(attributes, 'strides');
    return pick(x, shape, result, (at) =>
      at.reduce((sum, k, i) => sum + (begin[i]! + k * step[i]!) * strides[i]!, 0),
    );
  }
  if (op === 'Concat') {
    const axis = number(attributes, 'axis');
    let start = 0;
    for (const part of xs) {
      const strides = stridesOf(shape);
      let i = 0;
      for (const at of coordinates(part.shape))
        result[dot(at, strides) + start * strides[axis]!] = part.data[i++]!;
      start += part.shape[axis]!;
    }
    return result;
  }
  return undefined;
}

const FOLDED: ReadonlySet<string> = new Set([
  ...Object.keys(SCALAR),
  'Cast',
  'Reshape',
  'Transpose',
  'Slice',
  'Concat',
]);

function constantOf(value: Value, builder: GraphBuilder): Constant | undefined {
  const { op, attributes } = builder.producer(value);
  return op === 'Constant' ? { data: attributes.data as ConstantData, shape: value.shape } : undefined;
}

/** Ops on constants are done now. A broadcast of a constant stays a broadcast: the small form is the useful one. */
export const foldConstants: Rule = ({ op, inputs, attributes }, builder) => {
  if (!FOLDED.has(op) || inputs.length === 0) return undefined;
  const constants: Constant[] = [];
  for (const input of inputs) {
    const constant = constantOf(input, builder);
    if (!constant) return undefined;
    constants.push(constant);
  }
  const [output] = inferOutputs(op, inputs, attributes);
  if (output!.dtype === 'bfloat16') return undefined;
  if (sizeOf(output!.shape) > LARGEST_FOLDED) return undefined;
  const data = evaluate(op, constants, attributes, output!.shape, output!.dtype);
  return data && builder.constant(data, output!.dtype, output!.shape);
};
