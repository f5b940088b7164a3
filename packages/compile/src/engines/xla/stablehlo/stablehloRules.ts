/** What XLA's simplifications would make other numbers of. */
import type { GraphBuilder } from '../../../graph/builder';
import { broadcastShapes, type Node, sizeOf, type Value } from '../../../graph/graph';
import { at } from '../../../graph/lists';
import { among, type Inputs, type PlainOp } from '../../../graph/ops';
import { constantNumbers, eitherWay, produced } from '../../../passes/algebraRules';
import { constantsApart } from '../../../passes/constantsApart';
import { extremesKeepNaN, NATIVE } from '../../../passes/nanRules';
import { type Rule, ruleFor } from '../../../passes/rule';

/** A product with a condition becomes a choice between the other factor and 0, whatever that factor is: 0 x NaN is NaN. */
const conditionalProduct = ruleFor(['Mul'], ({ inputs: [a, b] }, builder) => {
  if (a.dtype !== 'float32') return undefined;
  for (const [x, factor] of eitherWay(a, b)) {
    const [condition] = produced(factor, 'Cast', builder)?.inputs ?? [];
    if (condition?.dtype !== 'bool') continue;
    return builder.emit('Where', [condition, x, builder.emit('Mul', [x, builder.scalar(0)])]);
  }
  return undefined;
});

/** The same of a quotient: 0 / NaN is NaN. */
const conditionalQuotient = ruleFor(['Div'], ({ inputs: [a, b] }, builder) => {
  const [condition] = produced(a, 'Cast', builder)?.inputs ?? [];
  if (a.dtype !== 'float32' || condition?.dtype !== 'bool') return undefined;
  const over = (x: number) => builder.emit('Div', [builder.scalar(x), b]);
  return builder.emit('Where', [condition, over(1), over(0)]);
});

/** Whether it has a reciprocal that is not rounded. */
const isPowerOfTwo = (x: number) => {
  const exponent = Math.log2(Math.abs(x));
  return Number.isInteger(exponent) && Math.abs(exponent) <= 126;
};

/**
 * A quotient by one number becomes a product with its reciprocal, which is rounded, or too small for float32: x / x is less
 * than 1 then, and x / 3e38 is 0. What depends on each element is not one number.
 */
const commonDivisor = ruleFor(['Div'], ({ inputs: [x, divisor], attributes }, builder) => {
  if (x.dtype !== 'float32' || attributes.native) return undefined;
  const numbers = constantNumbers(divisor, builder);
  const isCommon = builder.producer(divisor).op === 'Broadcast' || sizeOf(divisor.shape) < sizeOf(x.shape);
  if (numbers ? numbers.every(isPowerOfTwo) : !isCommon) return undefined;
  const each = builder.emit('Where', [builder.emit('Equal', [x, x]), divisor, x]);
  return builder.emit('Div', [x, each], NATIVE);
});

/** The same numbers, that neither simplifications see through nor fused products and sums. */
const apart = (x: Value, builder: GraphBuilder): Value =>
  builder.emit('Where', [builder.emit('Equal', [x, x]), x, builder.scalar(Number.NaN)]);

const isLayout = among(['Reshape', 'Broadcast', 'Transpose', 'Slice']);

/** The node that computed what is only moved since. */
function computing(value: Value, builder: GraphBuilder): Node {
  const node = builder.producer(value);
  return isLayout(node) ? computing(node.inputs[0], builder) : node;
}

/** What XLA has as a quotient. */
const isQuotient = among(['Div', 'Reciprocal', 'Sigmoid', 'Softmax']);

/** (a / b) / c becomes a / (b * c), and a / (b / c) becomes a * c / b, whose products may be too large for float32. */
const quotientOfQuotient = ruleFor(['Div'], ({ inputs, attributes }, builder) => {
  if (inputs[0].dtype !== 'float32') return undefined;
  const [a, b] = inputs.map((x) => (isQuotient(computing(x, builder)) ? apart(x, builder) : x)) as [
    Value,
    Value,
  ];
  return a === inputs[0] && b === inputs[1] ? undefined : builder.emit('Div', [a, b], attributes);
});

/** Products, and what the compiler writes out with a product at its end. */
const endsInProduct = among(['Mul', 'Exp', 'Sinh', 'Cosh', 'Pow', 'Gelu']);

/** Products with a power of two are exact. */
function isRoundedProduct(x: Value, builder: GraphBuilder): boolean {
  if (x.dtype !== 'float32') return false;
  const node = computing(x, builder);
  const isExact = (factor: Value) => constantNumbers(factor, builder)?.every(isPowerOfTwo) ?? false;
  return endsInProduct(node) && !(node.op === 'Mul' && node.inputs.some(isExact));
}

/**
 * A processor's fused product and sum does not round the product, which was rounded where it was used before: the largest of
 * a row less itself is not 0 then, and may be so large that its exponential is infinite.
 */
const roundedTerms = ruleFor(['Add', 'Sub'], ({ op, inputs }, builder) => {
  const [a, b] = inputs.map((x) => (isRoundedProduct(x, builder) ? apart(x, builder) : x)) as [Value, Value];
  return a === inputs[0] && b === inputs[1] ? undefined : builder.emit(op, [a, b]);
});
/** Their rows are less their largest inside. */
const roundedRows = ruleFor(['Softmax', 'LogSoftmax'], ({ op, inputs: [x] }, builder) =>
  isRoundedProduct(x, builder) ? builder.emit(op, [apart(x, builder)]) : undefined,
);

/** What is NaN is taken for at least 0 where a number would be: a square, or an exponential. */
const signs = ruleFor(['GreaterOrEqual', 'LessOrEqual'], ({ op, inputs: [a, b], attributes }, builder) => {
  const x = op === 'GreaterOrEqual' ? a : b;
  const bound = constantNumbers(op === 'GreaterOrEqual' ? b : a, builder);
  if (x.dtype !== 'float32' || !bound?.every((y) => y === 0) || attributes.native) return undefined;
  const known = apart(x, builder);
  return builder.emit(op, op === 'GreaterOrEqual' ? [known, b] : [a, known], NATIVE);
});

/** The exponential of a sum with NaN can be infinite. */
const sumsWithNaN = ruleFor(['Add', 'Sub', 'Mul', 'Div'], (operation, builder) => {
  const isNaNs = (x: Value) => constantNumbers(x, builder)?.every(Number.isNaN) ?? false;
  const {
    inputs: [a, b],
  } = operation;
  if (!(isNaNs(a) || isNaNs(b))) return undefined;
  return builder.emit('Broadcast', [builder.scalar(Number.NaN)], {
    shape: broadcastShapes(a.shape, b.shape),
  });
});

const mean = ruleFor(['ReduceMean'], ({ inputs: [x], attributes }, builder) => {
  const count = sizeOf(attributes.axes.map((axis) => at(x.shape, axis)));
  return builder.emit('Div', [builder.emit('ReduceSum', [x], attributes), builder.scalar(count)]);
});

/** Where the octants of the arc tangent end, of which the series is short. */
const EIGHTH = Math.tan(Math.PI / 8);
/** The series after its first term, as Cephes has it, to 2e-7 of the value: https://www.netlib.org/cephes/ */
const ARC_TANGENT = [8.05374449538e-2, -1.38776856032e-1, 1.99777106478e-1, -3.33329491539e-1];

/** XLA's CPUs mix up the elements of vectors: the arc tangent in ops of which they do not. */
const arcTangent = ruleFor(['Atan'], ({ inputs: [x] }, builder) => {
  const number = (value: number) => builder.scalar(value);
  const emit = <K extends PlainOp>(op: K, ...inputs: Inputs<K>) => builder.emit(op, inputs);
  const size = emit('Abs', x);
  const isLarge = emit('Greater', size, number(1 / EIGHTH));
  const isMiddle = emit('Greater', size, number(EIGHTH));
  const middle = emit('Div', emit('Sub', size, number(1)), emit('Add', size, number(1)));
  const far = emit('Neg', emit('Reciprocal', size));
  const near = emit('Where', isLarge, far, emit('Where', isMiddle, middle, size));
  const octants = emit('Where', isMiddle, number(Math.PI / 4), number(0));
  const begin = emit('Where', isLarge, number(Math.PI / 2), octants);
  const square = emit('Mul', near, near);
  const series = ARC_TANGENT.reduce(
    (sum: Value, factor) => emit('Mul', emit('Add', sum, number(factor)), square),
    number(0),
  );
  const angle = emit('Add', begin, emit('Add', near, emit('Mul', near, series)));
  return emit('Where', emit('Less', x, number(0)), emit('Neg', angle), angle);
});

export const stablehloRules: readonly Rule[] = [
  sumsWithNaN,
  signs,
  constantsApart,
  conditionalProduct,
  conditionalQuotient,
  commonDivisor,
  quotientOfQuotient,
  roundedTerms,
  roundedRows,
  mean,
  extremesKeepNaN,
  arcTangent,
];
