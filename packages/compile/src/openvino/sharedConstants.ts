import { createHash } from 'node:crypto';
import { createGraphBuilder } from '../graph/builder';
import type { ConstantData, Graph, Node, Value } from '../graph/graph';
import { MOVING_OPS } from '../graph/ops';
import { rebuildGraph } from '../passes/rebuildGraph';

/** What OpenVINO packs constants for. */
const PACKING: ReadonlySet<string> = new Set(['MatMul', 'Conv', 'ConvInputGradient', 'ConvFilterGradient']);

/** A constant that an engine gives to the program once, as the input of this name. */
export interface ConstantInput {
  readonly name: string;
  readonly data: ConstantData;
  readonly value: Value;
}

/** What OpenVINO may do with constants while it compiles: it moves them rightly. */
const isMoving = (op: string) => op === 'Cast' || MOVING_OPS.has(op);

/**
 * The graph in which constants are inputs where they are packed for two operations, or an operation has nothing else.
 *
 * OpenVINO 2026.4 keeps packed constants by the address and the shape of what they are made of, after it has made one of
 * equal ones: a square matrix that one product takes as it is and another transposed, or a filter and its gradient, is
 * packed once and used for both. And what it computes of constants alone, while it compiles, is wrong for products with a
 * transposed one, and fails for images. What comes from outside is packed and computed at every run, as all parameters
 * are, and not kept.
 */
export function sharedConstants(graph: Graph): { graph: Graph; constants: readonly ConstantInput[] } {
  /** Of what is made of constants alone, the largest of them. */
  const sourceOf = new Map<number, Node>();
  const packed = new Map<string, Node[]>();
  const shared = new Set<Node>();
  for (const node of graph.nodes) {
    const { op, inputs, outputs } = node;
    if (op === 'Input') continue;
    const sources = inputs.flatMap(({ id }) => sourceOf.get(id) ?? []);
    if (sources.length === inputs.length) {
      const largest =
        op === 'Constant' ? node : sources.reduce((a, b) => (lengthOf(b) > lengthOf(a) ? b : a));
      for (const { id } of outputs) sourceOf.set(id, largest);
      if (op !== 'Constant' && !isMoving(op)) for (const source of sources) shared.add(source);
    }
    if (!PACKING.has(op)) continue;
    for (const source of sources) {
      const numbers = contentOf(source);
      packed.set(numbers, [...(packed.get(numbers) ?? []), source]);
    }
  }
  for (const sources of packed.values()) {
    if (sources.length > 1) for (const source of sources) shared.add(source);
  }
  // Programs share their single numbers, and have many forms that are told by them.
  for (const source of shared) if (lengthOf(source) === 1) shared.delete(source);
  if (shared.size === 0) return { graph, constants: [] };
  const builder = createGraphBuilder();
  const constants: ConstantInput[] = [];
  const rebuilt = rebuildGraph(graph, builder, (node) => {
    if (!shared.has(node)) return undefined;
    const { dtype, shape } = node.outputs[0]!;
    const name = `constants/${constants.length}`;
    const value = builder.input(name, dtype, shape);
    constants.push({ name, data: node.attributes.data as ConstantData, value });
    return [value];
  });
  return { graph: rebuilt, constants };
}

const lengthOf = (node: Node) => (node.attributes.data as ConstantData).length;

/** Equal for constants of equal numbers. */
function contentOf({ attributes }: Node): string {
  const data = attributes.data as ConstantData;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash('sha256').update(data.constructor.name).update(bytes).digest('base64');
}
