import { createGraphBuilder } from '../graph/builder';
import type { Graph, Value } from '../graph/graph';
import { numbers } from '../graph/ops';
import { rebuildNode, removeDeadCode } from '../passes/optimize';

/**
 * Sums of squares of a bfloat16 tensor widen it by themselves, as a view with an axis more. The norm of all gradients
 * is needed before the first update, so an update that shares the widened gradient with it would need it written out
 * in float32; and OpenVINO makes one of two equal conversions, but not of conversions of different views.
 */
export function separateNorms(graph: Graph): Graph {
  const builder = createGraphBuilder();
  const replaced = new Map<number, Value>();
  const widened = (value: Value): Value | undefined => {
    const { op, inputs } = builder.producer(value);
    return op === 'Cast' && inputs[0]!.dtype === 'bfloat16' ? inputs[0] : undefined;
  };
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((value) => replaced.get(value.id)!);
    let outputs: readonly Value[] | undefined;
    if (node.op === 'ReduceSum' && numbers(node.attributes, 'axes').length === inputs[0]!.shape.length) {
      const square = builder.producer(inputs[0]!);
      const [a, b] = square.inputs;
      const source = square.op === 'Mul' && a === b ? widened(a!) : undefined;
      if (source) {
        const view = builder.emit('Reshape', [source], { shape: [1, ...source.shape] });
        const x = builder.emit('Cast', [view], { dtype: 'float32' });
        const axes = [0, ...numbers(node.attributes, 'axes').map((axis) => axis + 1)];
        const sum = builder.emit('ReduceSum', [builder.emit('Mul', [x, x])], { axes, keepDims: false });
        outputs = [builder.emit('Reshape', [sum], { shape: node.outputs[0]!.shape })];
      }
    }
    outputs ??= rebuildNode(node, inputs, builder);
    node.outputs.forEach((output, i) => {
      replaced.set(output.id, outputs[i]!);
    });
  }
  const made = new Map([...graph.outputs].map(([name, value]) => [name, replaced.get(value.id)!]));
  return removeDeadCode(builder.finish(made));
}
