/**
 * Writes OpenVINO's intermediate representation: an XML of layers and edges, and one block of bytes for constants.
 * Format: https://docs.openvino.ai/2026/documentation/openvino-ir-format.html (version 11). Shapes of what layers make
 * are left out: the reader infers them.
 */
import type { IndexCheck } from '../../passes/checkedIndices';

export type IrType = 'f32' | 'bf16' | 'i32' | 'i64' | 'boolean';
export type IrAttribute = number | string | boolean | readonly number[];
export type IrAttributes = Readonly<Record<string, IrAttribute>>;

/** What ops whose operands broadcast say of it. */
export const NUMPY = { auto_broadcast: 'numpy' };

/** One output of a layer. */
export interface Port {
  readonly layer: number;
  readonly port: number;
}

export interface Ir {
  readonly xml: string;
  /** The constants, each at a multiple of 64 bytes. */
  readonly weights: Uint8Array;
  /** The names of the results, in their order. */
  readonly outputs: readonly string[];
  /** What the result `CHECKS` is about: the smallest and the largest index of each, two numbers. */
  readonly checks: readonly IndexCheck[];
}

export const CHECKS = 'checks';

export interface IrWriter {
  parameter(name: string, type: IrType, shape: readonly number[]): Port;
  /** A layer of `opset` with one output; `emitAll` for more. */
  emit(type: string, opset: number, inputs: readonly Port[], attributes?: IrAttributes): Port;
  emitAll(
    type: string,
    opset: number,
    inputs: readonly Port[],
    attributes: IrAttributes,
    numOutputs: number,
  ): readonly Port[];
  reshape(value: Port, shape: readonly number[]): Port;
  /** The same floats in memory of their own, by an op that OpenVINO neither leaves out nor sees through. */
  copy(value: Port): Port;
  constant(data: ArrayBufferView, type: IrType, shape: readonly number[]): Port;
  /** A list of integers, as OpenVINO takes shapes and axes. */
  integers(values: readonly number[]): Port;
  integer(value: number): Port;
  float(value: number): Port;
  result(name: string, value: Port): void;
  /** Has a run tell the smallest and the largest of `indices`, a tensor of int32. */
  check(indices: Port, check: IndexCheck): void;
  finish(): Ir;
}

const ALIGNMENT = 64;

const escaped = (text: string) =>
  text.replace(/[&<>"]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!);

export function createIrWriter(): IrWriter {
  const layers: string[] = [];
  const edges: string[] = [];
  const blobs: { readonly offset: number; readonly bytes: Uint8Array }[] = [];
  const shared = new Map<string, Port>();
  const outputs: string[] = [];
  const checks: { readonly bounds: readonly Port[]; readonly check: IndexCheck }[] = [];
  let weightsLength = 0;

  function append(
    type: string,
    opset: number,
    name: string,
    inputs: readonly Port[],
    attributes: IrAttributes,
    numOutputs: number,
  ): readonly Port[] {
    const layer = layers.length;
    const data = Object.entries(attributes).map(([key, value]) => ` ${key}="${escaped(String(value))}"`);
    // The reader wants a precision and then infers its own.
    const ports = (first: number, count: number) =>
      Array.from({ length: count }, (_, i) => `<port id="${first + i}" precision="FP32"/>`).join('');
    layers.push(
      `<layer id="${layer}" name="${escaped(name)}" type="${type}" version="opset${opset}">` +
        (data.length > 0 ? `<data${data.join('')}/>` : '') +
        (inputs.length > 0 ? `<input>${ports(0, inputs.length)}</input>` : '') +
        (numOutputs > 0 ? `<output>${ports(inputs.length, numOutputs)}</output>` : '') +
        '</layer>',
    );
    inputs.forEach((from, port) => {
      edges.push(
        `<edge from-layer="${from.layer}" from-port="${from.port}" to-layer="${layer}" to-port="${port}"/>`,
      );
    });
    return Array.from({ length: numOutputs }, (_, i) => ({ layer, port: inputs.length + i }));
  }

  function constant(data: ArrayBufferView, type: IrType, shape: readonly number[]): Port {
    const offset = Math.ceil(weightsLength / ALIGNMENT) * ALIGNMENT;
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    blobs.push({ offset, bytes });
    weightsLength = offset + bytes.length;
    const attributes = { element_type: type, shape, offset, size: bytes.length };
    return append('Const', 1, `constant${layers.length}`, [], attributes, 1)[0]!;
  }

  function once(key: string, make: () => Port): Port {
    let port = shared.get(key);
    if (!port) {
      port = make();
      shared.set(key, port);
    }
    return port;
  }

  const emitAll: IrWriter['emitAll'] = (type, opset, inputs, attributes, numOutputs) =>
    append(type, opset, `${type}${layers.length}`, inputs, attributes, numOutputs);

  const emit: IrWriter['emit'] = (type, opset, inputs, attributes = {}) =>
    emitAll(type, opset, inputs, attributes, 1)[0]!;
  const integers: IrWriter['integers'] = (values) =>
    once(`[${values}]`, () => constant(BigInt64Array.from(values, BigInt), 'i64', [values.length]));

  const float: IrWriter['float'] = (value) =>
    once(`f${Object.is(value, -0) ? '-0' : value}`, () => constant(Float32Array.of(value), 'f32', []));

  return {
    parameter: (name, type, shape) => append('Parameter', 1, name, [], { shape, element_type: type }, 1)[0]!,
    emit,
    emitAll,
    reshape: (value, shape) => emit('Reshape', 1, [value, integers(shape)], { special_zero: false }),
    // A slope of 1 on the left of zero.
    copy: (value) => emit('PReLU', 1, [value, emit('ConvertLike', 8, [float(1), value])]),
    constant,
    integers,
    integer: (value) => once(`i${value}`, () => constant(BigInt64Array.of(BigInt(value)), 'i64', [])),
    float,
    result(name, value) {
      outputs.push(name);
      append('Result', 1, name, [value], {}, 0);
    },
    check(indices, check) {
      const row = emit('Reshape', 1, [indices, integers([1, -1])], { special_zero: false });
      const bounds = ['ReduceMin', 'ReduceMax'].map((op) =>
        emit(op, 1, [row, integers([1])], { keep_dims: true }),
      );
      checks.push({ bounds, check });
    },
    finish() {
      if (checks.length > 0) {
        const bounds = checks.flatMap((of) => of.bounds);
        outputs.push(CHECKS);
        append('Result', 1, CHECKS, [emit('Concat', 1, bounds, { axis: 1 })], {}, 0);
      }
      const weights = new Uint8Array(weightsLength);
      for (const { offset, bytes } of blobs) weights.set(bytes, offset);
      const xml = `<?xml version="1.0"?><net name="program" version="11"><layers>${layers.join('')}</layers><edges>${edges.join('')}</edges></net>`;
      return { xml, weights, outputs, checks: checks.map(({ check }) => check) };
    },
  };
}
