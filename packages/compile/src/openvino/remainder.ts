import type { Value } from '../graph/graph';
import type { Rule } from '../passes/rule';

/** Of the quotient. */
const MOST_BITS = 32;

/**
 * C's `fmod` of float32, by long division: OpenVINO's own rounds the quotient. Every step is exact. A quotient of more
 * bits than are tried leaves no rest that is one, and NaN in its place.
 */
export const remainder: Rule = ({ op, inputs: [x, y] }, builder) => {
  if (op !== 'Mod') return undefined;
  const emit = (name: string, ...inputs: Value[]) => builder.emit(name, inputs);
  const divisor = emit('Abs', y!);
  let rest = emit('Abs', x!);
  for (let bit = MOST_BITS - 1; bit >= 0; bit--) {
    const multiple = emit('Mul', divisor, builder.scalar(2 ** bit));
    rest = emit('Where', emit('GreaterOrEqual', rest, multiple), emit('Sub', rest, multiple), rest);
  }
  const size = emit('Where', emit('Less', rest, divisor), rest, builder.scalar(Number.NaN));
  return emit('Where', emit('Less', x!, builder.scalar(0)), emit('Neg', size), size);
};
