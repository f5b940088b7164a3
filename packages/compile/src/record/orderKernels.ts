import * as tf from '@tensorflow/tfjs';
import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import { at } from '../graph/lists';
import { cast } from './casts';
import type { Operands, RecordKernel, RecordKernels } from './kernelParts';

const axisOf = (axis: number | number[], { shape }: Value): number =>
  at(tf.util.parseAxisParam(axis, [...shape]), 0);

const summable = (b: GraphBuilder, x: Value) => (x.dtype === 'bool' ? cast(b, x, 'int32') : x);

const argExtreme =
  (op: 'ArgMax' | 'ArgMin'): RecordKernel<'x', tf.ArgMaxAttrs> =>
  ({ x }, { axis }, b) =>
    b.emit(op, [summable(b, x)], { axis: axisOf(axis, x) });

/** Running products: each is multiplied with the one `step` before it, for steps of 1, 2, 4... */
function cumulativeProduct(
  b: GraphBuilder,
  x: Value,
  axis: number,
  exclusive: boolean,
  reverse: boolean,
): Value {
  const length = at(x.shape, axis);
  /** The elements as far away that lie before, and ones where there are none. */
  const before = (y: Value, distance: number): Value => {
    const at = (n: number) => y.shape.map((_, i) => (i === axis ? n : 0));
    const kept = b.emit('Slice', [y], {
      begin: at(reverse ? distance : 0),
      size: y.shape.map((dim, i) => (i === axis ? dim - distance : dim)),
      strides: y.shape.map(() => 1),
    });
    const [none, some] = [at(0), at(distance)];
    return b.emit('Pad', [kept], { before: reverse ? none : some, after: reverse ? some : none, value: 1 });
  };
  let product = exclusive ? before(x, Math.min(1, length)) : x;
  for (let distance = 1; distance < length; distance *= 2) {
    product = b.emit('Mul', [product, before(product, distance)]);
  }
  return product;
}

/** Kernels in which the order of elements matters. */
export const orderKernels: RecordKernels = {
  ArgMax: argExtreme('ArgMax'),
  ArgMin: argExtreme('ArgMin'),
  TopK: ({ x }: Operands<'x'>, { k, sorted }: tf.TopKAttrs, b) => {
    const { dtype } = x;
    const length = at(x.shape, -1);
    if (!sorted && k === length) {
      const places = b.constant(
        Int32Array.from({ length }, (_, i) => i),
        'int32',
        [length],
      );
      return [x, b.emit('Broadcast', [places], { shape: x.shape })];
    }
    const [values, places] = b.emitAll('TopK', [summable(b, x)], { k });
    return [cast(b, values, dtype), places];
  },
  Cumsum: ({ x }: Operands<'x'>, { axis, exclusive, reverse }: tf.CumsumAttrs, b) => {
    if (x.shape.length === 0) return exclusive ? b.scalar(0, summable(b, x).dtype) : summable(b, x);
    return b.emit('CumSum', [summable(b, x)], {
      axis: axisOf(axis, x),
      exclusive: !!exclusive,
      reverse: !!reverse,
    });
  },
  Cumprod: ({ x }: Operands<'x'>, { axis, exclusive, reverse }: tf.CumprodAttrs, b) =>
    cumulativeProduct(b, summable(b, x), axisOf(axis, x), !!exclusive, !!reverse),
};
