import type { GraphBuilder } from '../../graph/builder';
import type { Node, Value } from '../../graph/graph';
import { produced } from '../../passes/algebraRules';

/**
 * reshape(y + bias), of a product y, is reshape(y) + bias while the last axis stays. OpenVINO makes one kernel of all
 * elementwise work on a tensor, also of what the gradient needs much later, and keeps the results until then. Work that
 * begins at different views of the product stays apart, and the product alone is kept.
 */
export function biasBelowReshape({ op, inputs, attributes }: Node, builder: GraphBuilder): Value | undefined {
  if (op !== 'Reshape') return undefined;
  const [x] = inputs;
  const sum = produced(x, 'Add', builder);
  if (!sum || attributes.shape.at(-1) !== x.shape.at(-1)) return undefined;
  const [product, bias] = sum.inputs;
  if (builder.producer(product).op !== 'MatMul' || bias.shape.length > 1) return undefined;
  return builder.emit('Add', [builder.emit('Reshape', [product], attributes), bias]);
}
