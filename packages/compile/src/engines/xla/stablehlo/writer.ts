/**
 * Writes StableHLO as MLIR's text, in its generic form: `%2 = "stablehlo.add"(%0, %1) {...} : (types) -> type`.
 * Ops: https://openxla.org/stablehlo/spec, text: https://mlir.llvm.org/docs/LangRef
 */
import type { ConstantData, ValueType } from '../../../graph/graph';
import { sameShape } from '../../../graph/graph';
import { at } from '../../../graph/lists';

/** A tensor of the program that is written. */
export interface Ref {
  readonly name: string;
  readonly dtype: ValueType;
  readonly shape: readonly number[];
  /** Whether a transpose has made it, or what keeps the order in which its elements lie. */
  readonly turned?: boolean;
}
export type TensorType = Pick<Ref, 'dtype' | 'shape'>;

const ELEMENT_TYPES: Readonly<Record<ValueType, string>> = {
  float32: 'f32',
  bfloat16: 'bf16',
  int32: 'i32',
  int64: 'i64',
  bool: 'i1',
};

/** `tensor<2x3xf32>` */
const typeText = ({ dtype, shape }: TensorType): string =>
  `tensor<${shape.map((dim) => `${dim}x`).join('')}${ELEMENT_TYPES[dtype]}>`;

/** `array<i64: 1, 2>` */
export const i64s = (values: readonly number[]): string =>
  values.length === 0 ? 'array<i64>' : `array<i64: ${values.join(', ')}>`;
export const i64 = (value: number): string => `${value} : i64`;
/** Rows of two integers. */
export const pairs = (rows: readonly (readonly [number, number])[]): string =>
  `dense<[${rows.map(([low, high]) => `[${low}, ${high}]`).join(', ')}]> : tensor<${rows.length}x2xi64>`;

export type Attributes = Readonly<Record<string, string>>;

export interface StablehloWriter {
  argument(type: TensorType, attributes?: Attributes): Ref;
  /** An op with one result. @param op its name, with its dialect unless that is `stablehlo` */
  emit(op: string, inputs: readonly Ref[], type: TensorType, attributes?: Attributes): Ref;
  /** An op with a region, and as many results as types. */
  emitWith(
    op: string,
    inputs: readonly Ref[],
    types: readonly TensorType[],
    attributes: Attributes,
    region: { readonly args: readonly TensorType[]; readonly body: (args: readonly Ref[]) => readonly Ref[] },
  ): readonly Ref[];
  constant(data: ConstantData, type: TensorType): Ref;
  /** One number, everywhere. */
  filled(value: number, type: TensorType): Ref;
  /** To a shape that it broadcasts to, as NumPy does. */
  broadcast(x: Ref, shape: readonly number[]): Ref;
  reshape(x: Ref, shape: readonly number[]): Ref;
  convert(x: Ref, dtype: ValueType): Ref;
  transpose(x: Ref, perm: readonly number[]): Ref;
  /** From `starts` on, every `strides`-th place; of all by default. */
  slice(x: Ref, starts: readonly number[], shape: readonly number[], strides?: readonly number[]): Ref;
  /** With `value` around it; less than nothing is cut off. */
  pad(x: Ref, before: readonly number[], after: readonly number[], value: number): Ref;
  /** Over axes, which are left out. */
  reduce(op: string, x: Ref, axes: readonly number[], initial: number): Ref;
  compare(direction: 'EQ' | 'NE' | 'LT' | 'LE' | 'GT' | 'GE', a: Ref, b: Ref): Ref;
  select(condition: Ref, a: Ref, b: Ref): Ref;
  /** Places along an axis. */
  iota(type: TensorType, axis: number): Ref;
  finish(outputs: readonly { readonly value: Ref; readonly attributes?: Attributes }[]): string;
}

const attributesText = (attributes: Attributes | undefined): string => {
  const entries = Object.entries(attributes ?? {});
  return entries.length === 0 ? '' : ` {${entries.map(([name, value]) => `${name} = ${value}`).join(', ')}}`;
};

/** The numbers of a tensor in an attribute: their bits, which are exact. */
function elements(data: ConstantData): string {
  if (data instanceof Uint8Array) return `[${Array.from(data, (x) => (x ? 'true' : 'false')).join(', ')}]`;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return `"0x${Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0'))
    .join('')
    .toUpperCase()}"`;
}

/** One number as it is written for all elements. */
function splat(value: number, dtype: ValueType): string {
  if (dtype === 'bool') return value ? 'true' : 'false';
  if (dtype === 'int32' || dtype === 'int64') return String(Math.trunc(value));
  const [bits = 0] = new Uint32Array(Float32Array.of(value).buffer);
  const digits =
    dtype === 'bfloat16' ? (bits >>> 16).toString(16).padStart(4, '0') : bits.toString(16).padStart(8, '0');
  return `0x${digits.toUpperCase()}`;
}

/** What keeps the order in which elements lie. */
const movedLike = ({ turned }: Ref, made: Ref): Ref => (turned ? { ...made, turned } : made);

/** @param header lines in the module before its function */
export function createStablehloWriter(header: readonly string[] = []): StablehloWriter {
  const args: string[] = [];
  const lines: string[] = [];
  const shared = new Map<string, Ref>();
  let count = 0;
  /** How deep in regions; what is shared must be made outside of them. */
  let depth = 0;
  const fresh = ({ dtype, shape }: TensorType, prefix = ''): Ref => ({
    name: `%${prefix}${count++}`,
    dtype,
    shape,
  });
  const call = (op: string, inputs: readonly Ref[]) =>
    `"${op.includes('.') ? op : `stablehlo.${op}`}"(${inputs.map(({ name }) => name).join(', ')})`;
  const signature = (inputs: readonly TensorType[], outputs: readonly TensorType[]) =>
    `(${inputs.map(typeText).join(', ')}) -> (${outputs.map(typeText).join(', ')})`;

  const emit: StablehloWriter['emit'] = (op, inputs, type, attributes) => {
    const made = fresh(type);
    lines.push(
      `${made.name} = ${call(op, inputs)}${attributesText(attributes)} : ${signature(inputs, [type])}`,
    );
    return made;
  };
  const once = (key: string, make: () => Ref): Ref => {
    if (depth > 0) return make();
    const found = shared.get(key) ?? make();
    shared.set(key, found);
    return found;
  };
  const emitWith: StablehloWriter['emitWith'] = (op, inputs, types, attributes, { args: argTypes, body }) => {
    const made = types.map((type) => fresh(type));
    const given = argTypes.map((type) => fresh(type, 'arg'));
    const names = made.map(({ name }) => name).join(', ');
    const [first] = made;
    const results = made.length === 1 ? names : `${first?.name}:${made.length}`;
    lines.push(`${results} = ${call(op, inputs)} ({`);
    lines.push(`^bb0(${given.map((arg) => `${arg.name}: ${typeText(arg)}`).join(', ')}):`);
    depth += 1;
    const returned = body(given);
    depth -= 1;
    lines.push(
      `"stablehlo.return"(${returned.map(({ name }) => name).join(', ')}) : ${signature(returned, [])}`,
    );
    lines.push(`})${attributesText(attributes)} : ${signature(inputs, types)}`);
    if (made.length === 1) return made;
    return made.map((ref, i) => ({ ...ref, name: `${first?.name}#${i}` }));
  };
  const filled: StablehloWriter['filled'] = (value, type) =>
    once(`${splat(value, type.dtype)}${typeText(type)}`, () =>
      emit('constant', [], type, { value: `dense<${splat(value, type.dtype)}> : ${typeText(type)}` }),
    );
  const reshape: StablehloWriter['reshape'] = (x, shape) =>
    sameShape(x.shape, shape) ? x : movedLike(x, emit('reshape', [x], { ...x, shape }));

  return {
    argument(type, attributes) {
      const arg = fresh(type, 'in');
      args.push(`${arg.name}: ${typeText(type)}${attributesText(attributes)}`);
      return arg;
    },
    emit,
    emitWith,
    constant(data, type) {
      const flat = { dtype: type.dtype, shape: [data.length] };
      const value = emit('constant', [], flat, { value: `dense<${elements(data)}> : ${typeText(flat)}` });
      return reshape(value, type.shape);
    },
    filled,
    broadcast(x, shape) {
      if (sameShape(x.shape, shape)) return x;
      const first = shape.length - x.shape.length;
      return emit(
        'broadcast_in_dim',
        [x],
        { ...x, shape },
        {
          broadcast_dimensions: i64s(x.shape.map((_, i) => first + i)),
        },
      );
    },
    reshape,
    convert: (x, dtype) => (x.dtype === dtype ? x : movedLike(x, emit('convert', [x], { ...x, dtype }))),
    transpose(x, perm) {
      if (perm.every((axis, i) => axis === i)) return x;
      const shape = perm.map((axis) => at(x.shape, axis));
      return { ...emit('transpose', [x], { ...x, shape }, { permutation: i64s(perm) }), turned: true };
    },
    slice(x, starts, shape, strides = shape.map(() => 1)) {
      const last = shape.map((size, axis) => at(starts, axis) + (size - 1) * at(strides, axis));
      const attributes = {
        start_indices: i64s(starts),
        limit_indices: i64s(last.map((place) => place + 1)),
        strides: i64s(strides),
      };
      return movedLike(x, emit('slice', [x], { ...x, shape }, attributes));
    },
    pad(x, before, after, value) {
      const shape = x.shape.map((dim, axis) => dim + at(before, axis) + at(after, axis));
      return emit(
        'pad',
        [x, filled(value, { dtype: x.dtype, shape: [] })],
        { ...x, shape },
        {
          edge_padding_low: i64s(before),
          edge_padding_high: i64s(after),
          interior_padding: i64s(shape.map(() => 0)),
        },
      );
    },
    reduce(op, x, axes, initial) {
      if (axes.length === 0) return x;
      const scalar = { dtype: x.dtype, shape: [] };
      const shape = x.shape.filter((_, i) => !axes.includes(i));
      const dimensions = { dimensions: i64s([...axes].sort((a, b) => a - b)) };
      const [result] = emitWith('reduce', [x, filled(initial, scalar)], [{ ...x, shape }], dimensions, {
        args: [scalar, scalar],
        body: (operands) => [emit(op, operands, scalar)],
      });
      return result as Ref;
    },
    compare: (direction, a, b) =>
      emit(
        'compare',
        [a, b],
        { dtype: 'bool', shape: a.shape },
        {
          comparison_direction: `#stablehlo<comparison_direction ${direction}>`,
        },
      ),
    select: (condition, a, b) => emit('select', [condition, a, b], a),
    iota: (type, axis) =>
      once(`iota${axis}${typeText(type)}`, () => emit('iota', [], type, { iota_dimension: i64(axis) })),
    finish(outputs) {
      const values = outputs.map(({ value }) => value);
      const results = outputs.map(({ value, attributes }) => typeText(value) + attributesText(attributes));
      return [
        'module @program {',
        ...header,
        `func.func public @main(${args.join(', ')}) -> (${results.join(', ')}) {`,
        ...lines,
        `"func.return"(${values.map(({ name }) => name).join(', ')}) : ${signature(values, [])}`,
        '}',
        '}',
        '',
      ].join('\n');
    },
  };
}
