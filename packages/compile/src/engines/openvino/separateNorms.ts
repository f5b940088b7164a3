import type { GraphBuilder } from '../../graph/builder';
import type { Node, Value } from '../../graph/graph';
import { wideningSource } from '../../passes/precision';
import { matrixShape } from './elementwiseAsMatrices';

/** What makes a value, or what it is a view of. */
function viewed(value: Value, builder: GraphBuilder): Node {
  const node = builder.producer(value);
  return node.op === 'Reshape' ? viewed(node.inputs[0], builder) : node;
}

/**
 * A sum of squares comes from the norms of rows, which OpenVINO computes from what it is given: neither the squares nor,
 * of what is in bfloat16, a float32 copy are written out. Only the norms of rows are rounded to bfloat16, up and down
 * alike, so that little of it is left in their sum. The norm of all gradients is needed before the first update; an update
 * that shared anything with it would need it kept until then.
 */
export function separateNorm(
  { op, inputs, attributes, outputs: [value] }: Node,
  builder: GraphBuilder,
): Value | undefined {
  if (op !== 'ReduceSum' || attributes.axes.length !== inputs[0].shape.length) return undefined;
  const square = viewed(inputs[0], builder);
  if (square.op !== 'Mul') return undefined;
  const [a, b] = square.inputs;
  if (a !== b || a.shape.length < 2) return undefined;
  const source = wideningSource(a, builder) ?? a;
  const view = builder.emit('Reshape', [source], { shape: matrixShape(source.shape) });
  const norms = builder.emit('ReduceL2', [view], { axes: [1], keepDims: false });
  const wide = norms.dtype === 'float32' ? norms : builder.emit('Cast', [norms], { dtype: 'float32' });
  const sum = builder.emit('ReduceSum', [builder.emit('Mul', [wide, wide])], { axes: [0], keepDims: false });
  return builder.emit('Reshape', [sum], { shape: value.shape });
}
