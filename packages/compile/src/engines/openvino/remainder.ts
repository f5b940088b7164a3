import { broadcastShapes, sameShape } from '../../graph/graph';
import type { Inputs, PlainOp } from '../../graph/ops';
import { ruleFor } from '../../passes/rule';

/** Bits of the quotient that are tried. */
const MOST_BITS = 32;
/** From here on a divisor times a power of two could be infinite. */
const LARGE = 2 ** 64;

/**
 * C's `fmod` of float32, by long division: OpenVINO's own rounds the quotient. Every step is exact. A quotient of more
 * bits than are tried leaves no rest that is one, and NaN in its place.
 */
export const remainder = ruleFor(['Mod'], ({ inputs: [x, y] }, builder) => {
  const emit = <K extends PlainOp>(op: K, ...inputs: Inputs<K>) => builder.emit(op, inputs);
  const number = (value: number) => builder.scalar(value);
  const shape = broadcastShapes(x.shape, y.shape);
  // Multiples of another shape would be made before, and a kernel has no place for all of them.
  const magnitude = emit('Abs', y);
  const divisor = sameShape(shape, y.shape) ? magnitude : builder.emit('Broadcast', [magnitude], { shape });
  const size = emit('Abs', x);
  const isLarge = emit('GreaterOrEqual', divisor, number(LARGE));
  const down = emit('Where', isLarge, number(1 / LARGE), number(1));
  const up = emit('Where', isLarge, number(LARGE), number(1));
  const scaled = emit('Mul', divisor, down);
  let rest = emit('Mul', size, down);
  // Each multiple is made of the last one: a kernel that holds them all has few numbers to keep.
  let multiple = emit('Mul', scaled, number(2 ** (MOST_BITS - 1)));
  for (let bit = 0; bit < MOST_BITS; bit++) {
    rest = emit('Where', emit('GreaterOrEqual', rest, multiple), emit('Sub', rest, multiple), rest);
    multiple = emit('Mul', multiple, number(0.5));
  }
  const isRest = emit('Less', rest, scaled);
  const found = emit('Where', isRest, emit('Mul', rest, up), number(Number.NaN));
  const left = emit('Where', emit('Less', size, divisor), size, found);
  return emit('Where', emit('Less', x, number(0)), emit('Neg', left), left);
});
