import { createGraphBuilder } from '../graph/builder';
import type { Graph } from '../graph/graph';
import { numbers } from '../graph/ops';
import { removeDeadCode } from '../passes/optimize';
import { wideningSource } from '../passes/precision';
import { rebuildGraph } from '../passes/rebuildGraph';

/**
 * Sums of squares of a bfloat16 tensor widen it by themselves, as a view with an axis more. The norm of all gradients
 * is needed before the first update, so an update that shares the widened gradient with it would need it written out
 * in float32; and OpenVINO makes one of two equal conversions, but not of conversions of different views.
 */
export function separateNorms(graph: Graph): Graph {
  const builder = createGraphBuilder();
  const separated = rebuildGraph(graph, builder, ({ op, attributes, outputs }, [x]) => {
    if (op !== 'ReduceSum' || numbers(attributes, 'axes').length !== x!.shape.length) return undefined;
    const square = builder.producer(x!);
    const [a, b] = square.inputs;
    const source = square.op === 'Mul' && a === b ? wideningSource(a!, builder) : undefined;
    if (!source) return undefined;
    const view = builder.emit('Reshape', [source], { shape: [1, ...source.shape] });
    const wide = builder.emit('Cast', [view], { dtype: 'float32' });
    const axes = [0, ...numbers(attributes, 'axes').map((axis) => axis + 1)];
    const sum = builder.emit('ReduceSum', [builder.emit('Mul', [wide, wide])], { axes, keepDims: false });
    return [builder.emit('Reshape', [sum], { shape: outputs[0]!.shape })];
  });
  return removeDeadCode(separated);
}
