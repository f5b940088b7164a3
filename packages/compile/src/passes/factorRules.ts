import type { GraphBuilder } from '../graph/builder';
import { padShape, sameShape, sizeOf, type Value } from '../graph/graph';
import { reducedShape } from '../graph/inferOutputs';
import { at, mapEach } from '../graph/lists';
import { produced } from './algebraRules';
import { type Rule, ruleFor } from './rule';

/** As many terms make a product that is left out worth another form. */
const FEWEST_TERMS = 256;

/** A product, by what its factors are along the axes of a sum. */
interface Factors {
  /** One number throughout. */
  readonly same: readonly Value[];
  /** As `same`, but divided by. */
  readonly divisors: readonly Value[];
  readonly others: readonly Value[];
}

/**
 * Σ c x = c Σ x for a factor c that is the same along the axes of the sum, as scales of channels are in the gradients of
 * normalizations: those then have few sums, all of the same products. Of terms that are zero and a factor that is
 * infinite the result is infinite, where there are others, and not NaN.
 */
const factorsOutOfSums = ruleFor(
  ['ReduceSum'],
  ({ inputs: [x], attributes: { axes, keepDims } }, builder) => {
    if (x.dtype !== 'float32') return undefined;
    if (sizeOf(axes.map((axis) => at(x.shape, axis))) < FEWEST_TERMS) return undefined;
    const rank = x.shape.length;
    const isSame = ({ shape }: Value) => {
      const sizes = padShape(shape, rank);
      return axes.every((axis) => sizes[axis] === 1);
    };
    const { same, divisors, others } = factorsOf(x, isSame, builder);
    if (others.length === 0 || same.length + divisors.length === 0) return undefined;

    const product = (factors: readonly Value[]) =>
      [...factors].sort((a, b) => a.id - b.id).reduce((a, b) => builder.emit('Mul', [a, b]));
    const terms = product(others);
    const whole = builder.emit('Reshape', [terms], { shape: padShape(terms.shape, rank) });
    // Without its axes it is one with the sum of a bias, which TensorFlow.js asks for.
    const small = builder.emit('ReduceSum', [whole], { axes, keepDims: false });
    let sum = builder.emit('Reshape', [small], { shape: reducedShape(whole.shape, axes, true) });
    if (same.length > 0) sum = builder.emit('Mul', [sum, product(same)]);
    if (divisors.length > 0) sum = builder.emit('Div', [sum, product(divisors)]);
    return keepDims ? sum : builder.emit('Reshape', [sum], { shape: reducedShape(sum.shape, axes, false) });
  },
);

/** Σ (x - mean x) is what is lost in rounding: 0, but NaN where the mean is. */
const sumOfDeviations = ruleFor(['ReduceSum'], ({ inputs: [x], attributes: { axes, keepDims } }, builder) => {
  const deviations = produced(x, 'Sub', builder);
  if (!deviations) return undefined;
  const [whole, mean] = deviations.inputs;
  const unshaped = produced(mean, 'Reshape', builder)?.inputs[0] ?? mean;
  const reduced = produced(unshaped, 'ReduceMean', builder);
  if (reduced?.inputs[0] !== whole || !sameShape(reduced.attributes.axes, axes)) return undefined;
  if (!sameShape(mean.shape, reducedShape(whole.shape, axes, true))) return undefined;
  const none = builder.emit('Mul', [mean, builder.scalar(0)]);
  return builder.emit('Reshape', [none], { shape: reducedShape(whole.shape, axes, keepDims) });
});

export const factorRules: readonly Rule[] = [factorsOutOfSums, sumOfDeviations];

/** The factors of a product of products; products without a factor that is the same stay one. */
function factorsOf(value: Value, isSame: (value: Value) => boolean, builder: GraphBuilder): Factors {
  if (isSame(value)) return { same: [value], divisors: [], others: [] };
  const { op, inputs } = builder.producer(value);
  if (op === 'Div' && isSame(inputs[1])) {
    const [dividend, divisor] = inputs;
    const { same, divisors, others } = factorsOf(dividend, isSame, builder);
    return { same, divisors: [...divisors, divisor], others };
  }
  if (op === 'Mul') {
    const [left, right] = mapEach(inputs, (factor) => factorsOf(factor, isSame, builder));
    const same = [...left.same, ...right.same];
    const divisors = [...left.divisors, ...right.divisors];
    if (same.length + divisors.length > 0)
      return { same, divisors, others: [...left.others, ...right.others] };
  }
  return { same: [], divisors: [], others: [value] };
}
