import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import { cast } from './casts';
import type { RecordKernel } from './kernelParts';

/** Below zero, or the zero that is. */
function isNegative(b: GraphBuilder, x: Value): Value {
  const zero = b.emit('Equal', [x, b.scalar(0)]);
  const below = b.emit('Less', [b.emit('Reciprocal', [x]), b.scalar(0)]);
  return b.emit('Or', [b.emit('Less', [x, b.scalar(0)]), b.emit('And', [zero, below])]);
}

/** The angle of the point (x, y), of any signs, zeros and infinities, by the arc tangent of a number up to 1. */
function angle(b: GraphBuilder, y: Value, x: Value): Value {
  const number = (value: number) => b.scalar(value);
  const [height, width] = [b.emit('Abs', [y]), b.emit('Abs', [x])];
  const steep = b.emit('Greater', [height, width]);
  const less = b.emit('Where', [steep, width, height]);
  const more = b.emit('Where', [steep, height, width]);
  // Both 0 or both infinite.
  const ratio = b.emit('Where', [
    b.emit('Equal', [less, more]),
    b.emit('Where', [b.emit('Equal', [more, number(0)]), number(0), number(1)]),
    b.emit('Div', [less, more]),
  ]);
  const flat = b.emit('Atan', [ratio]);
  const first = b.emit('Where', [steep, b.emit('Sub', [number(Math.PI / 2), flat]), flat]);
  const upper = b.emit('Where', [isNegative(b, x), b.emit('Sub', [number(Math.PI), first]), first]);
  const signed = b.emit('Where', [isNegative(b, y), b.emit('Neg', [upper]), upper]);
  // A comparison says nothing of what is not a number.
  const known = b.emit('And', [b.emit('Equal', [x, x]), b.emit('Equal', [y, y])]);
  return b.emit('Where', [known, signed, number(Number.NaN)]);
}

export const atan2: RecordKernel<'a' | 'b'> = ({ a, b: other }, _, b) =>
  cast(b, angle(b, cast(b, a, 'float32'), cast(b, other, 'float32')), a.dtype);
