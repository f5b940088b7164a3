import type { GraphBuilder } from '../graph/builder';
import { type Graph, type Node, sameShape, sizeOf, type Value } from '../graph/graph';
import { isElementwise } from '../graph/ops';

/** Of a matrix with the same rows. */
export const matrixShape = (shape: readonly number[]): [rows: number, columns: number] => {
  const [rows = 1, ...rest] = shape;
  return [rows, sizeOf(rest)];
};

/**
 * Elementwise work on tensors of the shape of an input, as an optimizer's on filters, goes over them as matrices, and so
 * do their sums. Of tensors of four axes, OpenVINO 2026.4 makes several kernels of an update, which take three times as
 * long, and it sums up slowly.
 *
 * @returns what takes a node's place, given its new operands, or `undefined` for all other nodes
 */
export function elementwiseAsMatrices(graph: Graph, builder: GraphBuilder) {
  const inputShapes = [...graph.inputs.values()].map(({ shape }) => shape);
  const shapes = new Set(inputShapes.filter(({ length }) => length > 2).map(String));
  /** By the id of the view that has the shape which the graph knows. */
  const matrices = new Map<number, Value>();
  const matrix = (value: Value): Value =>
    matrices.get(value.id) ?? builder.emit('Reshape', [value], { shape: matrixShape(value.shape) });

  return ({ op, attributes, outputs }: Node, inputs: readonly Value[]): Value | undefined => {
    const { shape } = outputs[0]!;
    if (op === 'ReduceSum' && shape.length === 0 && shapes.has(String(inputs[0]!.shape))) {
      return builder.emit('ReduceSum', [matrix(inputs[0]!)], { axes: [0, 1], keepDims: false });
    }
    if (!isElementwise(op) || !shapes.has(String(shape))) return undefined;
    const isScalar = (x: Value) => x.shape.length === 0;
    if (!inputs.every((x) => isScalar(x) || sameShape(x.shape, shape))) return undefined;
    const operands = inputs.map((x) => (isScalar(x) ? x : matrix(x)));
    const value = builder.emit(op, operands, attributes);
    const view = builder.emit('Reshape', [value], { shape });
    matrices.set(view.id, value);
    return view;
  };
}
