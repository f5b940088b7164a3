/** Division and powers of int32, as exact as TensorFlow.js's: modulo 2^32, and 0 for what has no finite result. */
import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';
import { cast } from './casts';

const int = (b: GraphBuilder, value: number) => b.scalar(value, 'int32');
const isZero = (b: GraphBuilder, x: Value) => b.emit('Equal', [x, int(b, 0)]);
const isNegative = (b: GraphBuilder, x: Value) => b.emit('Less', [x, int(b, 0)]);

const differ = (b: GraphBuilder, x: Value, y: Value) => {
  const both = b.emit('And', [x, y]);
  return b.emit('And', [b.emit('Or', [x, y]), b.emit('Not', [both])]);
};

/** x / y towards minus infinity. `Div` of int32 goes towards zero, and is 0 where y is 0. */
export function floorDivide(b: GraphBuilder, x: Value, y: Value): Value {
  const quotient = b.emit('Div', [x, y]);
  const rest = b.emit('Sub', [x, b.emit('Mul', [quotient, y])]);
  const between = b.emit('Not', [b.emit('Or', [isZero(b, rest), isZero(b, y)])]);
  const tooLarge = b.emit('And', [between, differ(b, isNegative(b, x), isNegative(b, y))]);
  return b.emit('Sub', [quotient, b.emit('Cast', [tooLarge], { dtype: 'int32' })]);
}

/** The rest of that division, of the sign of y; 0 where y is 0. */
export function floorRemainder(b: GraphBuilder, x: Value, y: Value): Value {
  const rest = b.emit('Sub', [x, b.emit('Mul', [floorDivide(b, x, y), y])]);
  return b.emit('Where', [isZero(b, y), int(b, 0), rest]);
}

/** From this exponent on it only matters whether it is odd: what is no power of ±1 is beyond 2^53 then. */
const LARGEST_EXPONENT = 63;

/** x^y by squaring, modulo 2^32. A negative power is that of ±1, else 0. */
export function wholePower(b: GraphBuilder, x: Value, y: Value): Value {
  const half = floorDivide(b, y, int(b, 2));
  const odd = b.emit('Sub', [y, b.emit('Mul', [half, int(b, 2)])]);
  const isLarge = b.emit('Greater', [y, int(b, LARGEST_EXPONENT)]);
  const positive = b.emit('Max', [int(b, 0), y]);
  let exponent = b.emit('Where', [isLarge, b.emit('Add', [int(b, LARGEST_EXPONENT - 1), odd]), positive]);
  let power = int(b, 1);
  let base = x;
  for (let bit = 1; bit <= LARGEST_EXPONENT; bit *= 2) {
    const rest = floorDivide(b, exponent, int(b, 2));
    const isSet = cast(b, b.emit('Sub', [exponent, b.emit('Mul', [rest, int(b, 2)])]), 'bool');
    power = b.emit('Where', [isSet, b.emit('Mul', [power, base]), power]);
    base = b.emit('Mul', [base, base]);
    exponent = rest;
  }
  const isOne = b.emit('Equal', [x, int(b, 1)]);
  const isMinusOne = b.emit('Equal', [x, int(b, -1)]);
  const sign = b.emit('Sub', [int(b, 1), b.emit('Mul', [odd, int(b, 2)])]);
  const inverse = b.emit('Where', [isOne, x, b.emit('Where', [isMinusOne, sign, int(b, 0)])]);
  return b.emit('Where', [isNegative(b, y), inverse, power]);
}
