import type { GraphBuilder } from '../graph/builder';
import { broadcastShapes, padShape, sameShape, sizeOf, type Value } from '../graph/graph';
import { reducedShape } from '../graph/inferOutputs';
import { at, mapEach } from '../graph/lists';
import { ELEMENTWISE } from '../graph/ops';
import { produced } from './algebraRules';
import { type Rule, ruleFor } from './rule';

/**
 * TensorFlow.js's gradients make full tensors of one number (the gradient of a sum is a tensor of ones). Kept small
 * until something really needs every element, most of them vanish.
 */

/** What is broadcast by a `Broadcast` node, or `undefined`. */
const broadcastSource = (value: Value, builder: GraphBuilder): Value | undefined =>
  produced(value, 'Broadcast', builder)?.inputs[0];

const broadcast = (builder: GraphBuilder, x: Value, shape: readonly number[]) =>
  sameShape(x.shape, shape) ? x : builder.emit('Broadcast', [x], { shape });

const dropUseless = ruleFor(['Broadcast'], ({ inputs: [x], attributes: { shape } }, builder) => {
  if (sameShape(x.shape, shape)) return x;
  const source = broadcastSource(x, builder);
  return source ? builder.emit('Broadcast', [source], { shape }) : undefined;
});

/** Repeated along axes of length 1. */
const repeated = ruleFor(['Tile'], ({ inputs: [x], attributes: { repeats } }, builder) => {
  if (!x.shape.every((size, axis) => size === 1 || repeats[axis] === 1)) return undefined;
  return broadcast(
    builder,
    x,
    x.shape.map((size, axis) => size * at(repeats, axis)),
  );
});

/** op(broadcast(x), y) is op(x, y), since elementwise ops broadcast by themselves. */
const throughElementwise = ruleFor(ELEMENTWISE, ({ op, inputs, attributes }, builder) => {
  const small = mapEach(inputs, (x) => broadcastSource(x, builder) ?? x);
  if (small.every((x, i) => x === inputs[i])) return undefined;
  const shape = inputs.map((x) => x.shape).reduce(broadcastShapes);
  return broadcast(builder, builder.emit(op, small, attributes), shape);
});

const throughReshape = ruleFor(['Reshape'], ({ inputs: [x], attributes: { shape } }, builder) => {
  const source = broadcastSource(x, builder);
  if (!source) return undefined;
  if (sizeOf(source.shape) === 1) {
    return broadcast(builder, builder.emit('Reshape', [source], { shape: shape.map(() => 1) }), shape);
  }
  // Only axes of one element come or go.
  const from = padShape(source.shape, x.shape.length);
  const kept = x.shape.map((dim, i) => ({ dim, own: at(from, i) })).filter(({ dim }) => dim !== 1);
  if (
    !sameShape(
      kept.map(({ dim }) => dim),
      shape.filter((dim) => dim !== 1),
    )
  )
    return undefined;
  let next = 0;
  const own = shape.map((dim) => (dim === 1 ? 1 : at(kept, next++).own));
  return broadcast(builder, builder.emit('Reshape', [source], { shape: own }), shape);
});

const throughTranspose = ruleFor(['Transpose'], ({ inputs: [x], attributes: { perm } }, builder) => {
  const source = broadcastSource(x, builder);
  if (!source) return undefined;
  const padded = builder.emit('Reshape', [source], { shape: padShape(source.shape, x.shape.length) });
  return broadcast(
    builder,
    builder.emit('Transpose', [padded], { perm }),
    perm.map((axis) => at(x.shape, axis)),
  );
});

/** A sum over axes that are broadcast is a product; a mean or an extreme over them is nothing. */
const throughReduce = ruleFor(
  ['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin'],
  ({ op, inputs: [x], attributes: { axes, keepDims } }, builder) => {
    const source = broadcastSource(x, builder);
    if (!source) return undefined;
    const from = padShape(source.shape, x.shape.length);
    const spread = axes.filter((axis) => from[axis] === 1 && x.shape[axis] !== 1);
    if (spread.length === 0) return undefined;
    const padded = builder.emit('Reshape', [source], { shape: from });
    let small = builder.emit(op, [padded], { axes, keepDims });
    if (op === 'ReduceSum') {
      const count = sizeOf(spread.map((axis) => at(x.shape, axis)));
      small = builder.emit('Mul', [small, builder.scalar(count, small.dtype)]);
    }
    return broadcast(builder, small, reducedShape(x.shape, axes, keepDims));
  },
);

export const broadcastRules: readonly Rule[] = [
  dropUseless,
  repeated,
  throughElementwise,
  throughReshape,
  throughTranspose,
  throughReduce,
];
