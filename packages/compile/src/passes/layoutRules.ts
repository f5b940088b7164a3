import type { GraphBuilder } from '../graph/builder';
import { type Attributes, padShape, sameShape, sizeOf, type Value } from '../graph/graph';
import { flag, isElementwise, number, numbers } from '../graph/ops';
import type { Rule } from './rule';

/**
 * Transposes sink: each moves below the op that uses it until it meets its inverse, or a matrix product that takes
 * its operand either way. What TensorFlow.js wants channels last and ONNX channels first costs nothing then.
 */

const inverse = (perm: readonly number[]): number[] => {
  const result: number[] = [];
  perm.forEach((from, to) => {
    result[from] = to;
  });
  return result;
};
const compose = (outer: readonly number[], inner: readonly number[]) => outer.map((axis) => inner[axis]!);
const isIdentity = (perm: readonly number[]) => perm.every((axis, i) => axis === i);

interface Transposed {
  readonly source: Value;
  readonly perm: readonly number[];
}
function transposed(value: Value, builder: GraphBuilder): Transposed | undefined {
  const { op, inputs, attributes } = builder.producer(value);
  return op === 'Transpose' ? { source: inputs[0]!, perm: numbers(attributes, 'perm') } : undefined;
}

/** Reshapes that change nothing, and those of reshapes. */
export const reshapes: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if (op !== 'Reshape') return undefined;
  const shape = numbers(attributes, 'shape');
  if (sameShape(shape, x!.shape)) return x;
  const inner = builder.producer(x!);
  return inner.op === 'Reshape' ? builder.emit('Reshape', [inner.inputs[0]!], { shape }) : undefined;
};

const transposes: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if (op !== 'Transpose') return undefined;
  const perm = numbers(attributes, 'perm');
  if (isIdentity(perm)) return x;
  const inner = transposed(x!, builder);
  if (inner) return builder.emit('Transpose', [inner.source], { perm: compose(perm, inner.perm) });
  // Axes of one element may go anywhere: that is a reshape.
  const moved = perm.filter((axis) => x!.shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > moved[i - 1]!)) {
    return builder.emit('Reshape', [x!], { shape: perm.map((axis) => x!.shape[axis]!) });
  }
  return undefined;
};

/** A small operand is worth turning around so that a large one need not be. */
const SMALL_OPERAND = 1 / 8;

/** `value`, of fewer or as many axes, as it must be before the transpose by `perm` to equal `value` after it. */
function untransposed(
  value: Value,
  perm: readonly number[],
  size: number,
  builder: GraphBuilder,
): Value | undefined {
  if (value.shape.length === 0) return value;
  const own = transposed(value, builder);
  if (own && sameShape(own.perm, perm)) return own.source;
  if (sizeOf(value.shape) > size * SMALL_OPERAND) return undefined;
  const padded = builder.emit('Reshape', [value], { shape: padShape(value.shape, perm.length) });
  return builder.emit('Transpose', [padded], { perm: inverse(perm) });
}

/** A widening cast: what moves elements goes before it, where they have half the bytes. */
const widens = (op: string, [x]: readonly Value[]) => op === 'Cast' && x!.dtype === 'bfloat16';

const throughElementwise: Rule = ({ op, inputs, attributes }, builder) => {
  if (!isElementwise(op) || widens(op, inputs)) return undefined;
  const perm = inputs.map((x) => transposed(x, builder)?.perm).find((p) => p !== undefined);
  if (!perm || inputs.some((x) => x.shape.length > perm.length)) return undefined;
  const size = Math.max(...inputs.map((x) => sizeOf(x.shape)));
  const sources: Value[] = [];
  for (const x of inputs) {
    const source = untransposed(x, perm, size, builder);
    if (!source) return undefined;
    sources.push(source);
  }
  return builder.emit('Transpose', [builder.emit(op, sources, attributes)], { perm });
};

const throughReduce: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if (!op.startsWith('Reduce')) return undefined;
  const from = transposed(x!, builder);
  if (!from) return undefined;
  const axes = numbers(attributes, 'axes')
    .map((axis) => from.perm[axis]!)
    .sort((a, b) => a - b);
  const keepDims = flag(attributes, 'keepDims');
  const reduced = builder.emit(op, [from.source], { axes, keepDims });
  if (keepDims) return builder.emit('Transpose', [reduced], { perm: from.perm });
  const left = from.perm.filter((axis) => !axes.includes(axis));
  const ranks = [...left].sort((a, b) => a - b);
  return builder.emit('Transpose', [reduced], { perm: left.map((axis) => ranks.indexOf(axis)) });
};

/** Per-axis attributes follow the axes. */
const AXIS_ATTRIBUTES: Readonly<Record<string, readonly string[]>> = {
  Slice: ['begin', 'size', 'strides'],
  Pad: ['before', 'after'],
  Tile: ['repeats'],
};
/** A slice of the first axis, which the transpose brought there, is one piece of memory after it; before, many. */
const isOuterSlice = (op: string, attributes: Attributes, { source, perm }: Transposed): boolean =>
  op === 'Slice' &&
  perm[0] !== 0 &&
  numbers(attributes, 'size').every((size, i) => (size === source.shape[perm[i]!]) === (i !== 0));

const throughAxiswise: Rule = ({ op, inputs: [x], attributes }, builder) => {
  const names = AXIS_ATTRIBUTES[op];
  const from = names && transposed(x!, builder);
  if (!from || isOuterSlice(op, attributes, from)) return undefined;
  const back = inverse(from.perm);
  const moved = Object.fromEntries(
    names.map((name) => [name, back.map((axis) => numbers(attributes, name)[axis]!)]),
  );
  return builder.emit('Transpose', [builder.emit(op, [from.source], { ...attributes, ...moved })], {
    perm: from.perm,
  });
};

const throughConcat: Rule = ({ op, inputs, attributes }, builder) => {
  if (op !== 'Concat') return undefined;
  const from = inputs.map((x) => transposed(x, builder));
  const perm = from[0]?.perm;
  if (!perm || from.some((t) => !t || !sameShape(t.perm, perm))) return undefined;
  const axis = perm[number(attributes, 'axis')]!;
  return builder.emit(
    'Transpose',
    [
      builder.emit(
        'Concat',
        from.map((t) => t!.source),
        { axis },
      ),
    ],
    { perm },
  );
};

/** Matrices transposed: the last two axes change places. */
export const withAxesSwapped = (builder: GraphBuilder, x: Value): Value => {
  const axes = x.shape.map((_, axis) => axis);
  const [last, secondLast] = [axes.pop()!, axes.pop()!];
  return builder.emit('Transpose', [x], { perm: [...axes, last, secondLast] });
};

/** A matrix product takes an operand whose last two axes are exchanged as it is. */
const intoMatMul: Rule = ({ op, inputs: [a, b], attributes }, builder) => {
  if (op !== 'MatMul') return undefined;
  const swapped = (x: Value) => {
    const from = transposed(x, builder);
    const rank = x.shape.length;
    const lastTwo = x.shape.map((_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
    return from && sameShape(from.perm, lastTwo) ? from.source : undefined;
  };
  const left = swapped(a!);
  if (left)
    return builder.emit('MatMul', [left, b!], { ...attributes, transposeA: !flag(attributes, 'transposeA') });
  const right = swapped(b!);
  if (right)
    return builder.emit('MatMul', [a!, right], {
      ...attributes,
      transposeB: !flag(attributes, 'transposeB'),
    });
  return undefined;
};

export const layoutRules: readonly Rule[] = [
  reshapes,
  transposes,
  throughElementwise,
  throughReduce,
  throughAxiswise,
  throughConcat,
  intoMatMul,
];
