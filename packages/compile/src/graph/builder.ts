import type { Attributes, ConstantData, Graph, Node, Value, ValueType } from './graph';
import { inferOutputs } from './ops';

/** Builds a graph node by node; an op that was emitted before with the same operands is not emitted again. */
export interface GraphBuilder {
  input(name: string, dtype: ValueType, shape: readonly number[]): Value;
  constant(data: ConstantData, dtype: ValueType, shape: readonly number[]): Value;
  scalar(value: number, dtype?: ValueType): Value;
  /** The outputs of an op. Shapes are inferred. */
  emitAll(op: string, inputs: readonly Value[], attributes?: Attributes): readonly Value[];
  /** The first output of an op. */
  emit(op: string, inputs: readonly Value[], attributes?: Attributes): Value;
  /** The node that makes a value. */
  producer(value: Value): Node;
  finish(outputs: ReadonlyMap<string, Value>): Graph;
}

/** Longer constants are told apart by identity: hashing their numbers would cost more than it saves. */
const LONGEST_HASHED_CONSTANT = 64;

const arrayOf: Record<string, (values: readonly number[]) => ConstantData> = {
  float32: (values) => Float32Array.from(values),
  int32: (values) => Int32Array.from(values),
  bool: (values) => Uint8Array.from(values),
};

/** The same, bit for bit, whichever operand comes first. */
const COMMUTATIVE: ReadonlySet<string> = new Set(['Add', 'Mul']);

export function createGraphBuilder(): GraphBuilder {
  const nodes: Node[] = [];
  const inputs = new Map<string, Value>();
  const producers = new Map<number, Node>();
  const emitted = new Map<string, Node>();
  let nextId = 0;

  function append(
    op: string,
    operands: readonly Value[],
    attributes: Attributes,
    types: { dtype: ValueType; shape: readonly number[] }[],
  ) {
    const outputs = types.map(({ dtype, shape }) => ({ id: nextId++, dtype, shape }));
    const node: Node = { op, inputs: operands, attributes, outputs };
    nodes.push(node);
    for (const output of outputs) producers.set(output.id, node);
    return node;
  }

  function once(key: string | undefined, make: () => Node): readonly Value[] {
    if (key === undefined) return make().outputs;
    let node = emitted.get(key);
    if (!node) {
      node = make();
      emitted.set(key, node);
    }
    return node.outputs;
  }

  function constant(data: ConstantData, dtype: ValueType, shape: readonly number[]): Value {
    const key =
      data.length <= LONGEST_HASHED_CONSTANT ? `Constant|${dtype}|${shape}|${bits(data)}` : undefined;
    return once(key, () => append('Constant', [], { data }, [{ dtype, shape }]))[0]!;
  }

  function emitAll(op: string, operands: readonly Value[], attributes: Attributes = {}): readonly Value[] {
    const ids = operands.map((v) => v.id);
    if (COMMUTATIVE.has(op)) ids.sort((a, b) => a - b);
    const key = `${op}|${ids}|${JSON.stringify(attributes, exact)}`;
    return once(key, () => append(op, operands, attributes, inferOutputs(op, operands, attributes)));
  }

  return {
    input(name, dtype, shape) {
      const value = append('Input', [], { name }, [{ dtype, shape }]).outputs[0]!;
      inputs.set(name, value);
      return value;
    },
    constant,
    scalar: (value, dtype = 'float32') => constant(arrayOf[dtype]!([value]), dtype, []),
    emitAll,
    emit: (op, operands, attributes) => emitAll(op, operands, attributes)[0]!,
    producer: (value) => producers.get(value.id)!,
    finish: (outputs) => ({ nodes, inputs, outputs }),
  };
}

/** Distinguishes what `String` does not: 0 and -0. */
const bits = (data: ConstantData) =>
  data instanceof Float32Array ? new Int32Array(data.slice().buffer).join() : data.join();

/** Distinguishes what JSON does not: numbers that are not finite, and -0. */
const exact = (_: string, value: unknown) =>
  Object.is(value, -0) ? '-0' : typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
