import type { GraphBuilder } from '../graph/builder';
import { padShape, sameShape, sizeOf, type Value } from '../graph/graph';
import { at, mapIfAll } from '../graph/lists';
import { ALL_REDUCTIONS, ELEMENTWISE, type Operation } from '../graph/ops';
import { produced } from './algebraRules';
import { type Rule, ruleFor } from './rule';

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
const compose = (outer: readonly number[], inner: readonly number[]) => outer.map((axis) => at(inner, axis));
const isIdentity = (perm: readonly number[]) => perm.every((axis, i) => axis === i);

interface Transposed {
  readonly source: Value;
  readonly perm: readonly number[];
}
function transposed(value: Value, builder: GraphBuilder): Transposed | undefined {
  const node = produced(value, 'Transpose', builder);
  return node && { source: node.inputs[0], perm: node.attributes.perm };
}

/** Reshapes that change nothing, and those of reshapes. */
export const reshapes = ruleFor(['Reshape'], ({ inputs: [x], attributes: { shape } }, builder) => {
  if (sameShape(shape, x.shape)) return x;
  const inner = produced(x, 'Reshape', builder);
  return inner && builder.emit('Reshape', inner.inputs, { shape });
});

const transposes = ruleFor(['Transpose'], ({ inputs: [x], attributes: { perm } }, builder) => {
  if (isIdentity(perm)) return x;
  const inner = transposed(x, builder);
  if (inner) return builder.emit('Transpose', [inner.source], { perm: compose(perm, inner.perm) });
  // Axes of one element may go anywhere: that is a reshape.
  const moved = perm.filter((axis) => x.shape[axis] !== 1);
  if (moved.every((axis, i) => i === 0 || axis > at(moved, i - 1))) {
    return builder.emit('Reshape', [x], { shape: perm.map((axis) => at(x.shape, axis)) });
  }
  return undefined;
});

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
const widens = ({ op, inputs }: Operation) => op === 'Cast' && inputs[0].dtype === 'bfloat16';

const throughElementwise = ruleFor(ELEMENTWISE, (operation, builder) => {
  const { op, inputs, attributes } = operation;
  if (widens(operation)) return undefined;
  const perm = inputs.map((x) => transposed(x, builder)?.perm).find((p) => p !== undefined);
  if (!perm || inputs.some((x) => x.shape.length > perm.length)) return undefined;
  const size = Math.max(...inputs.map((x) => sizeOf(x.shape)));
  const sources = mapIfAll(inputs, (x) => untransposed(x, perm, size, builder));
  return sources && builder.emit('Transpose', [builder.emit(op, sources, attributes)], { perm });
});

const throughReduce = ruleFor(ALL_REDUCTIONS, ({ op, inputs: [x], attributes }, builder) => {
  const from = transposed(x, builder);
  if (!from) return undefined;
  const { keepDims } = attributes;
  const axes = compose(attributes.axes, from.perm).sort((a, b) => a - b);
  const reduced = builder.emit(op, [from.source], { axes, keepDims });
  if (keepDims) return builder.emit('Transpose', [reduced], { perm: from.perm });
  const left = from.perm.filter((axis) => !axes.includes(axis));
  const ranks = [...left].sort((a, b) => a - b);
  return builder.emit('Transpose', [reduced], { perm: left.map((axis) => ranks.indexOf(axis)) });
});

/** A slice of the first axis, which the transpose brought there, is one piece of memory after it; before, many. */
const isOuter = (size: readonly number[], { source, perm }: Transposed): boolean =>
  perm[0] !== 0 && size.every((length, i) => (length === source.shape[at(perm, i)]) === (i !== 0));

/** Attributes of the axes follow them. */
const throughAxiswise = ruleFor(['Slice', 'Pad', 'Tile'], ({ op, inputs, attributes }, builder) => {
  const from = transposed(inputs[0], builder);
  if (!from) return undefined;
  const { source, perm } = from;
  const back = inverse(perm);
  const moved = (list: readonly number[]) => compose(back, list);
  const before = () => {
    if (op === 'Slice') {
      const { begin, size, strides } = attributes;
      const own = { begin: moved(begin), size: moved(size), strides: moved(strides) };
      return isOuter(size, from) ? undefined : builder.emit(op, [source], { ...attributes, ...own });
    }
    if (op === 'Tile')
      return builder.emit(op, [source], { ...attributes, repeats: moved(attributes.repeats) });
    const own = { before: moved(attributes.before), after: moved(attributes.after) };
    return builder.emit(op, [source], { ...attributes, ...own });
  };
  const value = before();
  return value && builder.emit('Transpose', [value], { perm });
});

const throughConcat = ruleFor(['Concat'], ({ inputs, attributes }, builder) => {
  const from = inputs.map((x) => transposed(x, builder));
  const perm = from[0]?.perm;
  if (!perm) return undefined;
  const sources = mapIfAll(from, (t) => (t && sameShape(t.perm, perm) ? t.source : undefined));
  const axis = at(perm, attributes.axis);
  return sources && builder.emit('Transpose', [builder.emit('Concat', sources, { axis })], { perm });
});

/** Matrices transposed: the last two axes change places. */
export const withAxesSwapped = (builder: GraphBuilder, x: Value): Value => {
  const axes = [...x.shape.keys()];
  return builder.emit('Transpose', [x], { perm: [...axes.slice(0, -2), at(axes, -1), at(axes, -2)] });
};

/** A matrix product takes an operand whose last two axes are exchanged as it is. */
const intoMatMul = ruleFor(['MatMul'], ({ inputs: [a, b], attributes }, builder) => {
  const swapped = (x: Value) => {
    const from = transposed(x, builder);
    const rank = x.shape.length;
    const lastTwo = x.shape.map((_, i) => (i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i));
    return from && sameShape(from.perm, lastTwo) ? from.source : undefined;
  };
  const left = swapped(a);
  if (left) {
    return builder.emit('MatMul', [left, b], { ...attributes, transposeA: !attributes.transposeA });
  }
  const right = swapped(b);
  return right && builder.emit('MatMul', [a, right], { ...attributes, transposeB: !attributes.transposeB });
});

export const layoutRules: readonly Rule[] = [
  reshapes,
  transposes,
  throughElementwise,
  throughReduce,
  throughAxiswise,
  throughConcat,
  intoMatMul,
];
