import type { GraphBuilder } from '../graph/builder';
import type { Node, Value } from '../graph/graph';
import { numbers } from '../graph/ops';
import { wideningSource } from '../passes/precision';
import { matrixShape } from './elementwiseAsMatrices';

/** What makes a value, or what it is a view of. */
function viewed(value: Value, builder: GraphBuilder): Node {
  const node = builder.producer(value);
  return node.op === 'Reshape' ? viewed(node.inputs[0]!, builder) : node;
}

/**
 * Sums of squares of a bfloat16 tensor widen it by themselves, as a view of other axes. The norm of all gradients is
 * needed before the first update, so an update that shares the widened gradient with it would need it written out in
 * float32; and OpenVINO makes one of two equal conversions, but not of conversions of different views. Of a view with
 * several long axes, as a matrix's, it sums many at once.
 */
export function separateNorm(
  { op, attributes, outputs }: Node,
  [x]: readonly Value[],
  builder: GraphBuilder,
): Value | undefined {
  if (op !== 'ReduceSum' || numbers(attributes, 'axes').length !== x!.shape.length) return undefined;
  const square = viewed(x!, builder);
  const [a, b] = square.inputs;
  const source = square.op === 'Mul' && a === b ? wideningSource(a!, builder) : undefined;
  if (!source) return undefined;
  const view = builder.emit('Reshape', [source], { shape: [1, ...matrixShape(source.shape)] });
  const wide = builder.emit('Cast', [view], { dtype: 'float32' });
  const sum = builder.emit('ReduceSum', [builder.emit('Mul', [wide, wide])], {
    axes: [0, 1, 2],
    keepDims: false,
  });
  return builder.emit('Reshape', [sum], { shape: outputs[0]!.shape });
}
