import { createGraphBuilder } from '../../graph/builder';
import { type Graph, type Node, sameShape, type Value } from '../../graph/graph';
import { get } from '../../graph/lists';
import { among } from '../../graph/ops';
import { rebuildGraph } from '../../passes/rebuildGraph';

/** What OpenVINO makes without moving a byte: a view of its operand. */
const isView = among(['Reshape', 'Slice']);

const TO_NCHW = [0, 3, 1, 2];

/** What may become a view in another layout: channels put first, of which resizing does its own. */
const isRelayout = (node: Node): node is Node<'ResizeBilinear' | 'Transpose'> =>
  node.op === 'ResizeBilinear' ||
  (node.op === 'Transpose' &&
    sameShape(node.attributes.perm, TO_NCHW) &&
    (node.inputs[0].dtype === 'float32' || node.inputs[0].dtype === 'bfloat16'));

/**
 * The graph in which channels are put first in a copy where the same memory has other views, an output among them.
 * Convolutions, pooling and resizing want channels last in memory, so that OpenVINO makes a view of what puts them
 * first. It decides so late, and where there are other views by then, 2026.4 gives it memory that nothing is written to.
 */
export function copyBesideViews(graph: Graph): Graph {
  const producers = new Map(graph.nodes.flatMap((node) => node.outputs.map(({ id }) => [id, node] as const)));
  const path = (value: Value): [root: Value, ...views: Value[]] => {
    const node = get(producers, value.id);
    return isView(node) ? [...path(node.inputs[0]), value] : [value];
  };
  // Every output is a view of its own, see `toOpenvino`.
  const viewed = [...graph.nodes.filter(isView).map(({ inputs: [x] }) => x), ...graph.outputs.values()];
  /** Views, by the id of what they are views of. */
  const views = new Map<number, number>();
  for (const value of viewed) {
    const [{ id }] = path(value);
    views.set(id, (views.get(id) ?? 0) + 1);
  }
  const hasOtherViews = (value: Value) => {
    const [root, ...own] = path(value);
    return (views.get(root.id) ?? 0) > own.length;
  };
  const builder = createGraphBuilder();
  return rebuildGraph(graph, builder, (node, before) => {
    if (!isRelayout(node) || !before.inputs.some(hasOtherViews)) return undefined;
    return [builder.emit(node.op, [builder.emit('Copy', node.inputs)], node.attributes)];
  });
}
