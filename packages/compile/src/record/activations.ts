/** Activations, and the functions near zero that they are made of. All of float32, exact in what is no number. */
import type { GraphBuilder } from '../graph/builder';
import type { Value } from '../graph/graph';

const times = (b: GraphBuilder, x: Value, factor: number) => b.emit('Mul', [x, b.scalar(factor)]);
const plus = (b: GraphBuilder, x: Value, term: number) => b.emit('Add', [x, b.scalar(term)]);
const isNegative = (b: GraphBuilder, x: Value) => b.emit('Less', [x, b.scalar(0)]);

/** c0 + x (c1 + x (c2 + ...)). */
function polynomial(b: GraphBuilder, x: Value, coefficients: readonly number[]): Value {
  const [last, ...rest] = [...coefficients].reverse();
  return rest.reduce((sum, c) => plus(b, b.emit('Mul', [sum, x]), c), b.scalar(last!));
}

/** Where a series takes the place of a difference that would lose the digits of small numbers. */
const near = (b: GraphBuilder, x: Value, series: Value, elsewhere: Value) =>
  b.emit('Where', [b.emit('Less', [b.emit('Abs', [x]), b.scalar(0.5)]), series, elsewhere]);

/** e^x - 1, to float32's precision for small x too: its Taylor series to x^9. */
export function expm1(b: GraphBuilder, x: Value): Value {
  const factorials = [1, 2, 6, 24, 120, 720, 5040, 40320, 362880];
  const series = b.emit('Mul', [
    x,
    polynomial(
      b,
      x,
      factorials.map((n) => 1 / n),
    ),
  ]);
  return near(b, x, series, plus(b, b.emit('Exp', [x]), -1));
}

/** ln(1 + x), to float32's precision for small x too: 2 artanh(s) with s = x / (2 + x), whose series has odd powers. */
export function log1p(b: GraphBuilder, x: Value): Value {
  const s = b.emit('Div', [x, plus(b, x, 2)]);
  const squares = b.emit('Mul', [s, s]);
  const odd = polynomial(
    b,
    squares,
    Array.from({ length: 8 }, (_, k) => 2 / (2 * k + 1)),
  );
  return near(b, x, b.emit('Mul', [s, odd]), b.emit('Log', [plus(b, x, 1)]));
}

export const relu6 = (b: GraphBuilder, x: Value): Value => b.emit('Min', [b.scalar(6), b.emit('Relu', [x])]);

/** e^x - 1 below zero: the exponential is asked for nothing else, so that it can't overflow. */
const negativeExpm1 = (b: GraphBuilder, x: Value) => expm1(b, b.emit('Min', [b.scalar(0), x]));

export const elu = (b: GraphBuilder, x: Value): Value =>
  b.emit('Where', [isNegative(b, x), negativeExpm1(b, x), x]);

const SELU_SCALE = 1.0507009873554805;
const SELU_ALPHA = 1.6732632423543772;

/** Klambauer et al., Self-Normalizing Neural Networks, equation 2. */
export const selu = (b: GraphBuilder, x: Value): Value =>
  b.emit('Where', [
    isNegative(b, x),
    times(b, negativeExpm1(b, x), SELU_SCALE * SELU_ALPHA),
    times(b, x, SELU_SCALE),
  ]);

/** ln(1 + e^x) without overflow. */
export const softplus = (b: GraphBuilder, x: Value): Value =>
  b.emit('Add', [b.emit('Relu', [x]), log1p(b, b.emit('Exp', [b.emit('Neg', [b.emit('Abs', [x])])]))]);

/** x, and below zero `alpha` times x. */
export const leakyRelu = (b: GraphBuilder, x: Value, alpha: Value): Value =>
  b.emit('Where', [isNegative(b, x), b.emit('Mul', [x, alpha]), x]);
