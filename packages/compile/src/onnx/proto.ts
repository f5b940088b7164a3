/**
 * The part of ONNX's protobuf that a graph needs, written directly: field numbers as in onnx.proto3,
 * https://github.com/onnx/onnx/blob/main/onnx/onnx.proto3 (IR version 10).
 */
export type OnnxType = 'float32' | 'int32' | 'int64' | 'bool' | 'bfloat16';
export type OnnxAttribute = number | string | readonly number[] | { readonly float: number };

export interface OnnxTensor {
  readonly name: string;
  readonly dtype: OnnxType;
  /** A string names a size that is known when the model runs. */
  readonly shape: readonly (number | string)[];
}
export interface OnnxInitializer extends OnnxTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array | Int32Array | Uint8Array | BigInt64Array;
}
export interface OnnxNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: Readonly<Record<string, OnnxAttribute>>;
  /** '' is ONNX itself. */
  readonly domain?: string;
}
export interface OnnxModel {
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxInitializer[];
  readonly inputs: readonly OnnxTensor[];
  readonly outputs: readonly OnnxTensor[];
}

/** What a file says of itself. */
export interface OnnxHeader {
  /** Version of ONNX's own ops. Default 21: `Gelu` needs 20, a reduction's axes as an input 18. */
  readonly opset?: number;
  /** Version of the file format. Default 10. */
  readonly irVersion?: number;
  readonly producerName?: string;
  readonly producerVersion?: string;
  readonly docString?: string;
  readonly metadata?: Readonly<Record<string, string>>;
}

export const DATA_TYPES: Readonly<Record<OnnxType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  bool: 9,
  bfloat16: 16,
};
/** Protobuf's readers count bytes in 32 bits with a sign: https://protobuf.dev/programming-guides/proto-limits/ */
const LARGEST_FILE = 2 ** 31 - 1;

/** Pieces of the file, in order. Graphs have hundreds of thousands, too many to be arguments of one call. */
type Field = readonly Uint8Array[];

const encoder = new TextEncoder();

function varint(value: number | bigint): Uint8Array {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  while (rest > 127n) {
    bytes.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  bytes.push(Number(rest));
  return Uint8Array.from(bytes);
}

const lengthOf = (parts: Field) => parts.reduce((sum, part) => sum + part.length, 0);

/** Wire types: 0 varint, 2 length-delimited, 5 four bytes. */
const integer = (field: number, value: number): Field => [varint(field << 3), varint(value)];
const bytes = (field: number, parts: Field): Field =>
  [varint((field << 3) | 2), varint(lengthOf(parts))].concat(parts);
const text = (field: number, value: string): Field => bytes(field, [encoder.encode(value)]);
const float = (field: number, value: number): Field => [
  varint((field << 3) | 5),
  new Uint8Array(Float32Array.of(value).buffer),
];
const message = (field: number, fields: readonly Field[]): Field => bytes(field, fields.flat());

function attribute(name: string, value: OnnxAttribute): Field {
  if (typeof value === 'number') return message(5, [text(1, name), integer(3, value), integer(20, 2)]);
  if (typeof value === 'string') return message(5, [text(1, name), text(4, value), integer(20, 3)]);
  if ('float' in value) return message(5, [text(1, name), float(2, value.float), integer(20, 1)]);
  return message(5, [text(1, name), ...value.map((v) => integer(8, v)), integer(20, 7)]);
}

const node = ({ op, inputs, outputs, attributes = {}, domain = '' }: OnnxNode): Field =>
  message(1, [
    ...inputs.map((name) => text(1, name)),
    ...outputs.map((name) => text(2, name)),
    text(3, outputs.find((name) => name !== '') ?? op),
    text(4, op),
    ...Object.entries(attributes).map(([name, value]) => attribute(name, value)),
    text(7, domain),
  ]);

const initializer = ({ name, dtype, shape, data }: OnnxInitializer): Field =>
  message(5, [
    ...shape.map((dim) => integer(1, dim)),
    integer(2, DATA_TYPES[dtype]),
    text(8, name),
    bytes(9, [new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]),
  ]);

const valueInfo = (field: number, { name, dtype, shape }: OnnxTensor): Field => {
  const dims = shape.map((dim) => message(1, [typeof dim === 'string' ? text(2, dim) : integer(1, dim)]));
  const type = message(1, [integer(1, DATA_TYPES[dtype]), message(2, dims)]);
  return message(field, [text(1, name), message(2, [type])]);
};

/**
 * The model as the bytes of a `.onnx` file. They are the only copy that is made of its numbers.
 *
 * @throws RangeError for more than the 2 GiB that such a file can hold
 */
export function encodeOnnx(
  { nodes, initializers, inputs, outputs }: OnnxModel,
  {
    opset = 21,
    irVersion = 10,
    producerName = '@beit/compile',
    producerVersion = '',
    docString = '',
    metadata = {},
  }: OnnxHeader = {},
): Uint8Array {
  const graph = message(7, [
    ...nodes.map(node),
    text(2, 'graph'),
    ...initializers.map(initializer),
    ...inputs.map((tensor) => valueInfo(11, tensor)),
    ...outputs.map((tensor) => valueInfo(12, tensor)),
  ]);
  const domains = new Set(['', ...nodes.map(({ domain = '' }) => domain)]);
  const parts = [
    integer(1, irVersion),
    text(2, producerName),
    text(3, producerVersion),
    text(6, docString),
    graph,
    ...[...domains].map((domain) => message(8, [text(1, domain), integer(2, domain === '' ? opset : 1)])),
    ...Object.entries(metadata).map(([key, value]) => message(14, [text(1, key), text(2, value)])),
  ].flat();
  const size = lengthOf(parts);
  if (size > LARGEST_FILE) {
    throw new RangeError(
      `The model takes ${size} bytes; a .onnx file holds at most ${LARGEST_FILE}. Write fewer or smaller parameters.`,
    );
  }
  const result = new Uint8Array(size);
  let offset = 0;
  for (const part of parts) {
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}
