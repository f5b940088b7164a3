import type { ConstantData, Graph, Value, ValueType } from './graph';
import { inferOutputs, type OutputType } from './inferOutputs';
import { get } from './lists';
import { nodeOf, operation } from './operation';
import type { Attributes, Inputs, Node, NodeName, Operation, OpName, Outputs, PlainOp } from './ops';

/** Builds a graph node by node; an op that was emitted before with the same operands is not emitted again. */
export interface GraphBuilder {
  input(name: string, dtype: ValueType, shape: readonly number[]): Value;
  constant(data: ConstantData, dtype: ValueType, shape: readonly number[]): Value;
  scalar(value: number, dtype?: ValueType): Value;
  /** The outputs of an op. Shapes are inferred. */
  emitAll<K extends OpName>(op: K, inputs: Inputs<K>, attributes: Attributes<K>): Outputs<K>;
  /** The first output of an op. */
  emit<K extends PlainOp>(op: K, inputs: Inputs<K>): Value;
  emit<K extends OpName>(op: K, inputs: Inputs<K>, attributes: Attributes<K>): Value;
  /** The node that makes a value. */
  producer(value: Value): Node;
  finish(outputs: ReadonlyMap<string, Value>): Graph;
}

/** Longer constants are told apart by identity: hashing their numbers would cost more than it saves. */
const LONGEST_HASHED_CONSTANT = 64;

/** Numbers in the array type of a dtype. @throws for a dtype that no constant has */
export function constantData(dtype: ValueType, values: readonly number[]): ConstantData {
  if (dtype === 'float32') return Float32Array.from(values);
  if (dtype === 'int32') return Int32Array.from(values);
  if (dtype === 'bool') return Uint8Array.from(values);
  throw new Error(`There are no constants of ${dtype}.`);
}

/** The same, bit for bit, whichever operand comes first. */
const COMMUTATIVE: ReadonlySet<string> = new Set<OpName>(['Add', 'Mul']);

export function createGraphBuilder(): GraphBuilder {
  const nodes: Node[] = [];
  const inputs = new Map<string, Value>();
  const producers = new Map<number, Node>();
  const emitted = new Map<string, Node>();
  let nextId = 0;

  function append(operation: Operation<NodeName>, types: readonly OutputType[]): Node {
    const outputs = types.map(({ dtype, shape }): Value => ({ id: nextId++, dtype, shape }));
    const node = nodeOf(operation, outputs);
    nodes.push(node);
    for (const output of outputs) producers.set(output.id, node);
    return node;
  }

  function once(key: string, make: () => Node): Node {
    const node = emitted.get(key) ?? make();
    emitted.set(key, node);
    return node;
  }

  function constant(data: ConstantData, dtype: ValueType, shape: readonly number[]): Value {
    const make = () => append({ op: 'Constant', inputs: [], attributes: { data } }, [{ dtype, shape }]);
    const node =
      data.length <= LONGEST_HASHED_CONSTANT
        ? once(`Constant|${dtype}|${shape}|${bits(data)}`, make)
        : make();
    return node.outputs[0];
  }

  function emitAll<K extends OpName>(op: K, operands: Inputs<K>, attributes: Attributes<K>): Outputs<K> {
    const ids = operands.map((v) => v.id);
    if (COMMUTATIVE.has(op)) ids.sort((a, b) => a - b);
    const key = `${op}|${ids}|${JSON.stringify(attributes, exact)}`;
    const make = () => append(operation(op, operands, attributes), inferOutputs(op, operands, attributes));
    // The key begins with the op.
    return once(key, make).outputs as Outputs<K>;
  }

  return {
    input(name, dtype, shape) {
      const node = append({ op: 'Input', inputs: [], attributes: { name } }, [{ dtype, shape }]);
      const [value] = node.outputs;
      inputs.set(name, value);
      return value;
    },
    constant,
    scalar: (value, dtype = 'float32') => constant(constantData(dtype, [value]), dtype, []),
    emitAll,
    emit: emitBy((op, operands, attributes) => emitAll(op, operands, attributes)[0]),
    producer: (value) => get(producers, value.id),
    finish: (outputs) => ({ nodes, inputs, outputs }),
  };
}

/** `emit` of a builder, by what emits any op with its attributes. */
export const emitBy =
  (
    emit: <K extends OpName>(op: K, inputs: Inputs<K>, attributes: Attributes<K>) => Value,
  ): GraphBuilder['emit'] =>
  <K extends OpName>(op: K, inputs: Inputs<K>, attributes?: Attributes<K>) =>
    // Only of a `PlainOp` they may be left out.
    emit(op, inputs, attributes ?? ({} as Attributes<K>));

/** Distinguishes what `String` does not: 0 and -0. */
const bits = (data: ConstantData) =>
  data instanceof Float32Array ? new Int32Array(data.slice().buffer).join() : data.join();

/** Distinguishes what JSON does not: numbers that are not finite, and -0. */
const exact = (_: string, value: unknown) =>
  Object.is(value, -0) ? '-0' : typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
