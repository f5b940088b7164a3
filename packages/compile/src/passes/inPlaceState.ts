/**
 * Which state tensors a step may update in place: the new value written into the buffer of the old one, while the
 * step still runs. An engine orders nodes as it likes and computes several of them in one kernel, so this must
 * follow from the graph alone.
 *
 * The model of an engine. Nodes run in any order that the data allows. Ops that treat elements one by one or only
 * move them (here: light ops) may be computed again wherever their result is used, so a reader of something light
 * made of the old value counts as a reader of the old value. A kernel may hold several nodes, and then reads while it
 * already writes; but if it holds two nodes it also holds all that lies between them, and no kernel chains more than
 * `MOST_CHAINED` of the other ops (here: heavy ops). So the new value may replace the old one if
 *
 *   - each reader of the old value is needed for the new one, which thus can't be written before;
 *   - between a heavy reader and the new value lies more than one kernel can hold;
 *   - on ways of light ops alone, element i of the new value depends on element i of the old one and no other;
 *   - no other output is, or is made by light ops of, the old value;
 *   - a new value that is made of the old one by light ops alone is used by others in its places alone: a kernel that goes
 *     over something larger, as what the new value is broadcast to, computes and writes it again and again.
 */
import { type Graph, type Node, sizeOf, type Value } from '../graph/graph';
import { at, get } from '../graph/lists';
import { isElementwise, isMoving } from '../graph/ops';

/** Attention in one kernel, its softmax written out: a product, a maximum, a sum, a product. */
const MOST_CHAINED = 4;

const isLight = (node: Node) => isElementwise(node) || isMoving(node);

/**
 * Element i of the result comes of element i of the operands, counted in row-major order. (An operand that is
 * broadcast is smaller than the result, and no such op leads back to the old size.)
 */
const keepsPlaces = (node: Node) => isElementwise(node) || node.op === 'Reshape';

/** Nodes by index, with who makes and who uses a value. Indices are in an order in which the nodes can run. */
interface IndexedGraph {
  readonly nodes: readonly Node[];
  readonly light: readonly boolean[];
  readonly producer: ReadonlyMap<number, number>;
  readonly consumers: ReadonlyMap<number, readonly number[]>;
  readonly outputs: ReadonlySet<number>;
}

function indexGraph({ nodes, outputs }: Graph): IndexedGraph {
  const producer = new Map<number, number>();
  const consumers = new Map<number, number[]>();
  nodes.forEach((node, index) => {
    for (const { id } of node.outputs) producer.set(id, index);
    for (const { id } of node.inputs) {
      const known = consumers.get(id);
      if (!known) consumers.set(id, [index]);
      else if (known.at(-1) !== index) known.push(index);
    }
  });
  return {
    nodes,
    light: nodes.map(isLight),
    producer,
    consumers,
    outputs: new Set([...outputs.values()].map(({ id }) => id)),
  };
}

/** The index of the node that writes a value: a reshape may be the same bytes, written when its operand is. */
function writerOf(value: Value, graph: IndexedGraph): number {
  const writer = get(graph.producer, value.id);
  const { op, inputs } = at(graph.nodes, writer);
  return op === 'Reshape' ? writerOf(inputs[0], graph) : writer;
}

/**
 * The heavy ops that read `old` or what light ops make of it, short of `writer`.
 *
 * @returns `undefined` where light ops lead to an output, or to `writer` with elements out of their places
 */
function heavyReaders(old: Value, writer: number, graph: IndexedGraph): readonly number[] | undefined {
  const readers: number[] = [];
  /** Values made of `old` by light ops: do their elements have the places that they have in `old`? */
  const inPlace = new Map([[old.id, true]]);
  const pending = [old];
  for (let value = pending.pop(); value; value = pending.pop()) {
    if (graph.outputs.has(value.id)) return undefined;
    for (const index of graph.consumers.get(value.id) ?? []) {
      const node = at(graph.nodes, index);
      // An engine may look at indices at any time.
      if (node.op === 'CheckedIndex') return undefined;
      const kept = get(inPlace, value.id) && keepsPlaces(node);
      if (index === writer) {
        if (!kept) return undefined;
      } else if (!graph.light[index]) {
        readers.push(index);
      } else {
        const [made] = node.outputs;
        const known = inPlace.get(made.id);
        if (known === false || known === kept) continue;
        inPlace.set(made.id, kept);
        pending.push(made);
      }
    }
  }
  return readers;
}

/**
 * For the nodes from index `first` on that `writer` needs: how many heavy ops, itself included, lie on the longest
 * way to it.
 */
function heavyOpsUntil(writer: number, first: number, { nodes, light, producer }: IndexedGraph) {
  const lengths = new Int32Array(writer - first + 1).fill(-1);
  lengths[writer - first] = light[writer] ? 0 : 1;
  for (let index = writer; index > first; index--) {
    const length = at(lengths, index - first);
    if (length < 0) continue;
    for (const { id } of at(nodes, index).inputs) {
      const from = get(producer, id);
      if (from < first) continue;
      const through = length + (light[from] ? 0 : 1);
      lengths[from - first] = Math.max(at(lengths, from - first), through);
    }
  }
  return (index: number) => lengths[index - first] ?? -1;
}

/** Whether all that is made of a value has its elements in their places, short of outputs. */
function isUsedInPlace(value: Value, { nodes, light, consumers }: IndexedGraph): boolean {
  const size = sizeOf(value.shape);
  const pending = [value];
  for (let made = pending.pop(); made; made = pending.pop()) {
    for (const index of consumers.get(made.id) ?? []) {
      const node = at(nodes, index);
      const [result] = node.outputs;
      if (!light[index] || !keepsPlaces(node) || sizeOf(result.shape) !== size) return false;
      pending.push(result);
    }
  }
  return true;
}

function mayReplace(old: Value, next: Value, graph: IndexedGraph): boolean {
  const writer = writerOf(next, graph);
  const node = at(graph.nodes, writer);
  // What moves elements may be a view of what it moves, written in parts and earlier.
  if (node.op === 'Input' || node.op === 'Constant' || isMoving(node)) return false;
  if (graph.light[writer] && !isUsedInPlace(next, graph)) return false;
  const readers = heavyReaders(old, writer, graph);
  if (!readers) return false;
  const first = readers.reduce((least, index) => Math.min(least, index), writer);
  const heavyOps = heavyOpsUntil(writer, first, graph);
  return readers.every((reader) => heavyOps(reader) > MOST_CHAINED);
}

/**
 * Paths of the state, as in `Trace.changed`, for which one buffer is enough for the old value (`state/...`) and the
 * new one (`next/...`), whatever order of nodes an engine chooses.
 */
export function inPlaceState(graph: Graph): Set<string> {
  const index = indexGraph(graph);
  const paths = new Set<string>();
  for (const [name, next] of graph.outputs) {
    if (!name.startsWith('next/')) continue;
    const path = name.slice('next/'.length);
    const old = graph.inputs.get(`state/${path}`);
    if (old && mayReplace(old, next, index)) paths.add(path);
  }
  return paths;
}
