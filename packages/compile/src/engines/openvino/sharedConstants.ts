import { createHash } from 'node:crypto';
import { createGraphBuilder } from '../../graph/builder';
import type { ConstantData, Graph, Value, ValueType } from '../../graph/graph';
import { mapEach } from '../../graph/lists';
import { among, MOVING, type Node } from '../../graph/ops';
import { rebuildGraph } from '../../passes/rebuildGraph';

/** What OpenVINO packs constants for. */
const isPacking = among(['MatMul', 'Conv', 'ConvInputGradient', 'ConvFilterGradient']);

/** A constant that an engine gives to the program once, as the input of this name. */
export interface ConstantInput {
  readonly name: string;
  readonly data: ConstantData;
  readonly value: Value;
}

/** What OpenVINO may do with constants while it compiles: it moves them rightly. */
const movesRightly = among([...MOVING, 'Cast']);

/**
 * The graph in which constants are inputs where they are packed for two operations or are no numbers, and in which no
 * operation has constants alone: one of them then gets a zero added that is an input.
 *
 * OpenVINO 2026.4 keeps packed constants by the address and the shape of what they are made of, after it has made one of
 * equal ones: a square matrix that one product takes as it is and another transposed, or a filter and its gradient, is
 * packed once and used for both. And what it computes of constants alone, while it compiles, is wrong for products with a
 * transposed one and for `abs` of a sum, and fails for images; a factor of NaN it takes for -1. What comes from outside is packed and computed at every
 * run, as all parameters are, and not kept.
 */
export function sharedConstants(graph: Graph): { graph: Graph; constants: readonly ConstantInput[] } {
  /** For every value that is made of constants alone, the largest of these constants. */
  const sourceOf = new Map<number, Node<'Constant'>>();
  const packed = new Map<string, Node<'Constant'>[]>();
  const alone = new Set<Node>();
  for (const node of graph.nodes) {
    const { op, inputs, outputs } = node;
    if (op === 'Input') continue;
    const sources = inputs.flatMap(({ id }) => sourceOf.get(id) ?? []);
    if (isPacking(node)) {
      for (const source of sources) {
        const numbers = contentOf(source);
        packed.set(numbers, [...(packed.get(numbers) ?? []), source]);
      }
    }
    if (sources.length < inputs.length) continue;
    if (node.op !== 'Constant' && !movesRightly(node)) alone.add(node);
    else {
      const largest =
        node.op === 'Constant' ? node : sources.reduce((a, b) => (lengthOf(b) > lengthOf(a) ? b : a));
      for (const { id } of outputs) sourceOf.set(id, largest);
    }
  }
  const notNumbers = graph.nodes.filter(
    ({ op, attributes }) => op === 'Constant' && attributes.data.some(Number.isNaN),
  );
  const sharedSources = [...packed.values()].filter((sources) => sources.length > 1);
  const shared = new Set<Node>([...notNumbers, ...sharedSources.flat()]);
  if (shared.size === 0 && alone.size === 0) return { graph, constants: [] };
  const builder = createGraphBuilder();
  const constants: ConstantInput[] = [];
  const outside = (data: ConstantData, { dtype, shape }: Pick<Value, 'dtype' | 'shape'>) => {
    const name = `constants/${constants.length}`;
    const value = builder.input(name, dtype, shape);
    constants.push({ name, data, value });
    return value;
  };
  const zeros = new Map<ValueType, Value>();
  const zero = (dtype: ValueType) => {
    const data = dtype === 'int32' ? new Int32Array(1) : new Float32Array(1);
    const value = zeros.get(dtype) ?? outside(data, { dtype, shape: [] });
    zeros.set(dtype, value);
    return value;
  };
  const rebuilt = rebuildGraph(graph, builder, ({ op, inputs, attributes, outputs }, before) => {
    if (op === 'Constant') return shared.has(before) ? [outside(attributes.data, outputs[0])] : undefined;
    if (op === 'Input' || !alone.has(before)) return undefined;
    const number = inputs.findIndex(({ dtype }) => dtype === 'float32' || dtype === 'int32');
    const operands = mapEach(inputs, (x, i) => (i === number ? builder.emit('Add', [x, zero(x.dtype)]) : x));
    return builder.emitAll(op, operands, attributes);
  });
  return { graph: rebuilt, constants };
}

const lengthOf = ({ attributes }: Node<'Constant'>) => attributes.data.length;

/** Equal for constants of equal numbers. */
function contentOf({ attributes: { data } }: Node<'Constant'>): string {
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash('sha256').update(data.constructor.name).update(bytes).digest('base64');
}
