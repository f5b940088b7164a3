import { createHash } from 'node:crypto';
import { createGraphBuilder } from '../graph/builder';
import type { ConstantData, Graph, Node, Value } from '../graph/graph';
import { rebuildGraph } from '../passes/rebuildGraph';

/** What OpenVINO packs constants for. */
const PACKING: ReadonlySet<string> = new Set(['MatMul', 'Conv', 'ConvInputGradient', 'ConvFilterGradient']);

/** A constant that an engine gives to the program once, as the input of this name. */
export interface ConstantInput {
  readonly name: string;
  readonly data: ConstantData;
  readonly value: Value;
}

/**
 * The graph in which constants that are packed for two operations are inputs.
 *
 * OpenVINO 2026.4 keeps packed constants by the address and the shape of what they are made of, after it has made one of
 * equal ones: a square matrix that one product takes as it is and another transposed, or a filter and its gradient, is
 * packed once and used for both. What comes from outside is packed at every run, as all parameters are, and not kept.
 */
export function sharedConstants(graph: Graph): { graph: Graph; constants: readonly ConstantInput[] } {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map(({ id }) => [id, node] as const)));
  const uses = new Map<string, Node[]>();
  for (const { op, inputs } of graph.nodes) {
    if (!PACKING.has(op)) continue;
    for (const operand of inputs) {
      const source = largestConstant(operand, producers);
      if (!source) continue;
      const numbers = contentOf(source);
      uses.set(numbers, [...(uses.get(numbers) ?? []), source]);
    }
  }
  const shared = new Set([...uses.values()].filter((sources) => sources.length > 1).flat());
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

/** Of what is made of constants alone, the largest of them; `undefined` for what depends on an input. */
function largestConstant(value: Value, producers: ReadonlyMap<number, Node>): Node | undefined {
  const pending = [value];
  const seen = new Set<number>();
  let largest: Node | undefined;
  const lengthOf = (node: Node | undefined) =>
    (node?.attributes.data as ConstantData | undefined)?.length ?? 0;
  for (let next = pending.pop(); next; next = pending.pop()) {
    const node = producers.get(next.id)!;
    if (node.op === 'Input') return undefined;
    seen.add(next.id);
    pending.push(...node.inputs.filter(({ id }) => !seen.has(id)));
    if (lengthOf(node) > lengthOf(largest)) largest = node;
  }
  return largest;
}

/** Equal for constants of equal numbers. */
function contentOf({ attributes }: Node): string {
  const data = attributes.data as ConstantData;
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  return createHash('sha256').update(data.constructor.name).update(bytes).digest('base64');
}
