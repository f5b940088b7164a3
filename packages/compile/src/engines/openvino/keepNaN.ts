/**
 * OpenVINO's kernels take NaN for a number: its maximum is the other operand where the first one is NaN, its
 * exponential infinite, its softmax zero. These rules put every one of them into a form that keeps it, as IEEE 754 has
 * it: a training run must see that it diverged.
 */
import type { GraphBuilder } from '../../graph/builder';
import type { Value } from '../../graph/graph';
import { among } from '../../graph/ops';
import { constantNumbers } from '../../passes/algebraRules';
import { NATIVE, unlessNaN } from '../../passes/nanRules';
import { type Rule, ruleFor } from '../../passes/rule';

const isExtreme = among(['Max', 'Min']);

function isNumbers(value: Value, builder: GraphBuilder): boolean {
  const data = constantNumbers(value, builder);
  return data !== undefined && !data.some(Number.isNaN);
}

/**
 * The processor's maximum is the second operand where either is NaN: numbers go first. A bound of a bound
 * would become one `Clamp`, which keeps nothing; with its operand read twice it does not.
 */
const extremes = ruleFor(['Max', 'Min'], ({ op, inputs: [a, b], attributes }, builder) => {
  if (a.dtype !== 'float32' || attributes.native) return undefined;
  const [first, second] = isNumbers(b, builder) ? [b, a] : [a, b];
  const value = builder.emit(op, [first, second], NATIVE);
  if (!isNumbers(first, builder)) return unlessNaN(builder, first, value);
  return isExtreme(builder.producer(second)) ? unlessNaN(builder, second, value) : value;
});

const relu = ruleFor(['Relu'], ({ inputs: [x] }, builder) => builder.emit('Max', [builder.scalar(0), x]));

/** What a ReLU made is 0, more or NaN, and is there where a gradient asks for its slope. */
const step = ruleFor(['Step'], ({ inputs: [x] }, builder) => {
  const zero = builder.scalar(0);
  const positive = builder.emit('Max', [zero, x], NATIVE);
  return builder.emit('Where', [builder.emit('Greater', [positive, zero]), builder.scalar(1), positive]);
});

const exponential = ruleFor(['Exp'], ({ inputs: [x], attributes }, builder) =>
  attributes.native ? undefined : unlessNaN(builder, x, builder.emit('Exp', [x], NATIVE)),
);

/** NaN in a row of logits is NaN in one of its probabilities, and in their sum. */
const softmax = ruleFor(['Softmax', 'LogSoftmax'], ({ op, inputs: [x], attributes }, builder) => {
  if (attributes.native) return undefined;
  const y = builder.emit(op, [x], NATIVE);
  const sum = builder.emit('ReduceSum', [y], { axes: [x.shape.length - 1], keepDims: true });
  return builder.emit('Where', [builder.emit('Equal', [sum, sum]), y, sum]);
});

/** Its maximum of infinite numbers alone is the least finite one, too: a second sum counts what is not infinite. */
const extremesOfAxes = ruleFor(['ReduceMax', 'ReduceMin'], ({ op, inputs: [x], attributes }, builder) => {
  if (x.dtype !== 'float32' || attributes.native) return undefined;
  const isMax = op === 'ReduceMax';
  const outermost = builder.scalar(isMax ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY);
  const zero = builder.scalar(0);
  const isInside = builder.emit(isMax ? 'Greater' : 'Less', [x, outermost]);
  const orNaN = builder.emit('Where', [builder.emit('Equal', [x, x]), zero, x]);
  const counted = builder.emit('Where', [isInside, builder.scalar(1), orNaN]);
  const count = builder.emit('ReduceSum', [counted], attributes);
  const none = builder.emit('Where', [builder.emit('Equal', [count, zero]), outermost, count]);
  const extreme = builder.emit(op, [x], { ...attributes, ...NATIVE });
  return builder.emit('Where', [builder.emit('Greater', [count, zero]), extreme, none]);
});

export const keepNaN: readonly Rule[] = [relu, step, extremes, exponential, softmax, extremesOfAxes];
