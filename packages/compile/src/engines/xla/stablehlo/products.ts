import type { Lowering, LoweringWriter } from './lowering';
import type { Ref, TensorType } from './writer';

const axesText = (list: readonly number[]) => `[${list.join(', ')}]`;

/** The axes of an operand of a product. */
interface Operand {
  readonly x: Ref;
  readonly batch: readonly number[];
  readonly inner: readonly number[];
}

/**
 * XLA's kernels of bfloat16 for CPUs sum rows only where these are the last axis of the first operand, or two axes are summed
 * over: rows of rows of one.
 */
const rowsOfOne = ({ x, batch, inner: [axis = 0] }: Operand, w: LoweringWriter): Operand => {
  const shape = [...x.shape.slice(0, axis), 1, ...x.shape.slice(axis)];
  return { x: w.reshape(x, shape), batch, inner: [axis, axis + 1] };
};

/** Nor do they take what a transpose has made as it is. */
const settled = (x: Ref, w: LoweringWriter): Ref => (x.turned ? w.emit('optimization_barrier', [x], x) : x);

/** The operands as XLA's kernels of bfloat16 for CPUs take them. Elsewhere they would be converted to float32 first. */
function forCpu(left: Operand, right: Operand, w: LoweringWriter): readonly [Operand, Operand] {
  const [a, b] = [left, right].map((operand) => ({ ...operand, x: settled(operand.x, w) })) as [
    Operand,
    Operand,
  ];
  const last = a.x.shape.length - 1;
  return a.inner[0] === last || a.inner.length > 1 ? [a, b] : [rowsOfOne(a, w), rowsOfOne(b, w)];
}

export const lowerMatMul: Lowering<'MatMul'> = ({ attributes: a, outputs: [y] }, [left, right], w) => {
  // One matrix for all of a batch: the axes of the batch are rows.
  const isShared =
    right.shape.slice(0, -2).every((dim) => dim === 1) && right.shape.length <= left.shape.length;
  const batch = isShared ? [] : y.shape.slice(0, -2);
  const inBatch = (x: Ref) => w.broadcast(x, [...batch, ...x.shape.slice(-2)]);
  const operand = (x: Ref, fromEnd: number): Operand => ({
    x,
    batch: [...batch.keys()],
    inner: [x.shape.length - fromEnd],
  });
  const operands = [
    operand(isShared ? left : inBatch(left), a.transposeA ? 2 : 1),
    operand(isShared ? w.reshape(right, right.shape.slice(-2)) : inBatch(right), a.transposeB ? 1 : 2),
  ] as const;
  return multiply(operands, y, w);
};

/** The sums over the inner axes, of type `y`: [...batch, ...rest of the first, ...rest of the second]. */
export function multiply(operands: readonly [Operand, Operand], y: TensorType, w: LoweringWriter): Ref {
  const isNarrowOnCpu = w.platform === 'cpu' && operands[0].x.dtype === 'bfloat16';
  const [first, second] = isNarrowOnCpu ? forCpu(...operands, w) : operands;
  // Those kernels put out float32.
  const type = isNarrowOnCpu ? ({ dtype: 'float32', shape: y.shape } as const) : y;
  const product = w.emit('dot_general', [first.x, second.x], type, {
    dot_dimension_numbers:
      `#stablehlo.dot<lhs_batching_dimensions = ${axesText(first.batch)}, ` +
      `rhs_batching_dimensions = ${axesText(second.batch)}, ` +
      `lhs_contracting_dimensions = ${axesText(first.inner)}, ` +
      `rhs_contracting_dimensions = ${axesText(second.inner)}>`,
    precision_config: w.precision,
  });
  return w.convert(product, y.dtype);
}
