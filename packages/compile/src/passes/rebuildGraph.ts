import type { GraphBuilder } from '../graph/builder';
import type { Graph, Node, Value } from '../graph/graph';
import { at, get } from '../graph/lists';
import { withInputs } from '../graph/operation';

/**
 * The graph built again, node by node.
 *
 * @param builder a fresh one, which gets the nodes
 * @param replace what takes a node's place, given the node with its new operands, and as it was: one value per output, or
 * `undefined` to keep it
 */
export function rebuildGraph(
  graph: Graph,
  builder: GraphBuilder,
  replace: (node: Node, before: Node) => readonly Value[] | undefined = () => undefined,
): Graph {
  const replacements = new Map<number, Value>();
  const replaced = (value: Value) => get(replacements, value.id);
  for (const before of graph.nodes) {
    const node = withInputs(before, replaced);
    const outputs = replace(node, before) ?? emitAgain(node, builder);
    before.outputs.forEach((output, i) => {
      replacements.set(output.id, at(outputs, i));
    });
  }
  return builder.finish(new Map([...graph.outputs].map(([name, value]) => [name, replaced(value)])));
}

function emitAgain(node: Node, builder: GraphBuilder): readonly Value[] {
  const { op, inputs, attributes, outputs } = node;
  const [{ dtype, shape }] = outputs;
  if (op === 'Input') return [builder.input(attributes.name, dtype, shape)];
  if (op === 'Constant') return [builder.constant(attributes.data, dtype, shape)];
  return outputs.length > 1
    ? builder.emitAll(op, inputs, attributes)
    : [builder.emit(op, inputs, attributes)];
}
