/** How TensorFlow.js's own `cpu` kernels turn numbers of one dtype into another: as JavaScript's typed arrays do. */
import type { GraphBuilder } from '../graph/builder';
import type { Value, ValueType } from '../graph/graph';

const TWO_TO_32 = 2 ** 32;
const TWO_TO_31 = 2 ** 31;

/**
 * The value in another dtype. To `int32`: towards zero, modulo 2^32, and 0 for what is not finite. To `bool`: whether it
 * differs from 0, as NaN does.
 */
export function cast(b: GraphBuilder, x: Value, dtype: ValueType): Value {
  if (x.dtype === dtype) return x;
  if (dtype === 'bool') return b.emit('Not', [b.emit('Equal', [x, b.scalar(0, x.dtype)])]);
  const fitting = x.dtype === 'float32' && dtype === 'int32' ? withinInt32(b, x) : x;
  return b.emit('Cast', [fitting], { dtype });
}

/** Engines cast as the processor does, which has one number for all that int32 can't hold. */
function withinInt32(b: GraphBuilder, x: Value): Value {
  const size = b.emit('Abs', [x]);
  // Numbers this large are whole, and powers of two divide and multiply exactly.
  const turns = b.emit('Floor', [b.emit('Mul', [x, b.scalar(1 / TWO_TO_32)])]);
  const rest = b.emit('Sub', [x, b.emit('Mul', [turns, b.scalar(TWO_TO_32)])]);
  const isNegative = b.emit('GreaterOrEqual', [rest, b.scalar(TWO_TO_31)]);
  const wrapped = b.emit('Where', [isNegative, b.emit('Sub', [rest, b.scalar(TWO_TO_32)]), rest]);
  const finite = b.emit('Less', [size, b.scalar(Number.POSITIVE_INFINITY)]);
  const large = b.emit('Where', [finite, wrapped, b.scalar(0)]);
  return b.emit('Where', [b.emit('Less', [size, b.scalar(TWO_TO_31)]), x, large]);
}

/** The dtype in which two tensors meet: what loses nothing of either. */
export function commonDtype(a: Value, b: Value): ValueType {
  if (a.dtype === b.dtype) return a.dtype;
  return a.dtype === 'float32' || b.dtype === 'float32' ? 'float32' : 'int32';
}
