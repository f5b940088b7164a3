import { createGraphBuilder } from '../graph/builder';
import { type Graph, type Node, sameShape, type Value } from '../graph/graph';
import { numbers } from '../graph/ops';
import { rebuildGraph } from '../passes/rebuildGraph';

/** What OpenVINO makes without moving a byte: a view of its operand. */
const isView = ({ op }: Node) => op === 'Reshape' || op === 'Slice';

const TO_NCHW = [0, 3, 1, 2];

/** What may become a view in another layout: channels put first, of which resizing does its own. */
const isRelayout = ({ op, inputs, attributes }: Node) =>
  op === 'ResizeBilinear' ||
  (op === 'Transpose' &&
    sameShape(numbers(attributes, 'perm'), TO_NCHW) &&
    (inputs[0]!.dtype === 'float32' || inputs[0]!.dtype === 'bfloat16'));

/**
 * The graph in which channels are put first in a copy where the same memory has other views, an output among them.
 * Convolutions, pooling and resizing want channels last in memory, so that OpenVINO makes a view of what puts them
 * first. It decides so late, and where there are other views by then, 2026.4 gives it memory that nothing is written to.
 */
export function copyBesideViews(graph: Graph): Graph {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map(({ id }) => [id, node] as const)));
  const path = (value: Value): Value[] => {
    const node = producers.get(value.id)!;
    return isView(node) ? [...path(node.inputs[0]!), value] : [value];
  };
  // Every output is a view of its own, see `toOpenvino`.
  const viewed = [...graph.nodes.filter(isView).map(({ inputs }) => inputs[0]!), ...graph.outputs.values()];
  /** Views, by the id of what they are views of. */
  const views = new Map<number, number>();
  for (const value of viewed) {
    const { id } = path(value)[0]!;
    views.set(id, (views.get(id) ?? 0) + 1);
  }
  const hasOtherViews = (value: Value) => {
    const [root, ...own] = path(value);
    return (views.get(root!.id) ?? 0) > own.length;
  };
  const builder = createGraphBuilder();
  return rebuildGraph(graph, builder, (node, [x, ...rest]) => {
    if (!isRelayout(node) || !hasOtherViews(node.inputs[0]!)) return undefined;
    return builder.emitAll(node.op, [builder.emit('Copy', [x!]), ...rest], node.attributes);
  });
}
