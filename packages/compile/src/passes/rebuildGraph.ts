import type { GraphBuilder } from '../graph/builder';
import type { ConstantData, Graph, Node, Value } from '../graph/graph';

/**
 * The graph built again, node by node.
 *
 * @param builder a fresh one, which gets the nodes
 * @param replace what takes a node's place, given its new operands: one value per output, or `undefined` to keep it
 */
export function rebuildGraph(
  graph: Graph,
  builder: GraphBuilder,
  replace: (node: Node, inputs: readonly Value[]) => readonly Value[] | undefined = () => undefined,
): Graph {
  const replacements = new Map<number, Value>();
  const replaced = (value: Value) => replacements.get(value.id)!;
  for (const node of graph.nodes) {
    const inputs = node.inputs.map(replaced);
    const outputs = replace(node, inputs) ?? emitAgain(node, inputs, builder);
    node.outputs.forEach((output, i) => {
      replacements.set(output.id, outputs[i]!);
    });
  }
  return builder.finish(new Map([...graph.outputs].map(([name, value]) => [name, replaced(value)])));
}

function emitAgain(node: Node, inputs: readonly Value[], builder: GraphBuilder): readonly Value[] {
  const { op, attributes, outputs } = node;
  const { dtype, shape } = outputs[0]!;
  if (op === 'Input') return [builder.input(attributes.name as string, dtype, shape)];
  if (op === 'Constant') return [builder.constant(attributes.data as ConstantData, dtype, shape)];
  return outputs.length > 1
    ? builder.emitAll(op, inputs, attributes)
    : [builder.emit(op, inputs, attributes)];
}
