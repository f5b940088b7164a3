import type { GraphBuilder } from '../../graph/builder';
import { type Graph, type Node, sameShape, sizeOf, type Value } from '../../graph/graph';
import { mapEach } from '../../graph/lists';
import { isElementwise } from '../../graph/ops';

/** The shape of a tensor as a matrix with the same rows. */
export const matrixShape = (shape: readonly number[]): [rows: number, columns: number] => {
  const [rows = 1, ...rest] = shape;
  return [rows, sizeOf(rest)];
};

/**
 * Elementwise work on tensors of the shape of an input, as an optimizer's on filters, goes over them as matrices, and so
 * do their sums. Of tensors of four axes, OpenVINO 2026.4 makes several kernels of an update, which take three times as
 * long, and it sums up slowly.
 *
 * @returns what takes a node's place, or `undefined` for all other nodes
 */
export function elementwiseAsMatrices(graph: Graph, builder: GraphBuilder) {
  const inputShapes = [...graph.inputs.values()].map(({ shape }) => shape);
  const shapes = new Set(inputShapes.filter(({ length }) => length > 2).map(String));
  /** By the id of the view that has the shape which the graph knows. */
  const matrices = new Map<number, Value>();
  const matrix = (value: Value): Value =>
    matrices.get(value.id) ?? builder.emit('Reshape', [value], { shape: matrixShape(value.shape) });

  return (node: Node): Value | undefined => {
    const [{ shape }] = node.outputs;
    if (node.op === 'ReduceSum' && shape.length === 0 && shapes.has(String(node.inputs[0].shape))) {
      return builder.emit('ReduceSum', [matrix(node.inputs[0])], { axes: [0, 1], keepDims: false });
    }
    if (!isElementwise(node) || !shapes.has(String(shape))) return undefined;
    const { op, inputs, attributes } = node;
    const isScalar = (x: Value) => x.shape.length === 0;
    if (!inputs.every((x) => isScalar(x) || sameShape(x.shape, shape))) return undefined;
    const operands = mapEach(inputs, (x) => (isScalar(x) ? x : matrix(x)));
    const value = builder.emit(op, operands, attributes);
    const view = builder.emit('Reshape', [value], { shape });
    matrices.set(view.id, value);
    return view;
  };
}
