import type { GraphBuilder } from '../graph/builder';
import { padShape, sameShape, sizeOf, type Value } from '../graph/graph';
import { flag, numbers, reducedShape } from '../graph/ops';
import type { Rule } from './rule';

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
const factorsOutOfSums: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if (op !== 'ReduceSum' || x!.dtype !== 'float32') return undefined;
  const axes = numbers(attributes, 'axes');
  if (sizeOf(axes.map((axis) => x!.shape[axis]!)) < FEWEST_TERMS) return undefined;
  const rank = x!.shape.length;
  const isSame = ({ shape }: Value) => {
    const sizes = padShape(shape, rank);
    return axes.every((axis) => sizes[axis] === 1);
  };
  const { same, divisors, others } = factorsOf(x!, isSame, builder);
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
  if (flag(attributes, 'keepDims')) return sum;
  return builder.emit('Reshape', [sum], { shape: sum.shape.filter((_, axis) => !axes.includes(axis)) });
};

/** Σ (x - mean x) is what is lost in rounding: 0, but NaN where the mean is. */
const sumOfDeviations: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if (op !== 'ReduceSum') return undefined;
  const { op: made, inputs } = builder.producer(x!);
  if (made !== 'Sub') return undefined;
  const [whole, mean] = inputs as [Value, Value];
  const reshaped = builder.producer(mean);
  const reduced = reshaped.op === 'Reshape' ? builder.producer(reshaped.inputs[0]!) : reshaped;
  const axes = numbers(attributes, 'axes');
  if (reduced.op !== 'ReduceMean' || reduced.inputs[0] !== whole) return undefined;
  if (!sameShape(numbers(reduced.attributes, 'axes'), axes)) return undefined;
  if (!sameShape(mean.shape, reducedShape(whole.shape, axes, true))) return undefined;
  const none = builder.emit('Mul', [mean, builder.scalar(0)]);
  return builder.emit('Reshape', [none], {
    shape: reducedShape(whole.shape, axes, flag(attributes, 'keepDims')),
  });
};

export const factorRules: readonly Rule[] = [factorsOutOfSums, sumOfDeviations];

/** The factors of a product of products; products without a factor that is the same stay one. */
function factorsOf(value: Value, isSame: (value: Value) => boolean, builder: GraphBuilder): Factors {
  if (isSame(value)) return { same: [value], divisors: [], others: [] };
  const { op, inputs } = builder.producer(value);
  const [a, b] = inputs as [Value, Value];
  if (op === 'Div' && isSame(b)) {
    const { same, divisors, others } = factorsOf(a, isSame, builder);
    return { same, divisors: [...divisors, b], others };
  }
  if (op === 'Mul') {
    const [left, right] = [factorsOf(a, isSame, builder), factorsOf(b, isSame, builder)];
    const same = [...left.same, ...right.same];
    const divisors = [...left.divisors, ...right.divisors];
    if (same.length + divisors.length > 0)
      return { same, divisors, others: [...left.others, ...right.others] };
  }
  return { same: [], divisors: [], others: [value] };
}
