import type { GraphBuilder } from '../graph/builder';
import { broadcastShapes, padShape, sameShape, sizeOf, type Value } from '../graph/graph';
import { flag, isElementwise, numbers, reducedShape } from '../graph/ops';
import type { Rule } from './rule';

/**
 * TensorFlow.js's gradients make full tensors of one number (the gradient of a sum is a tensor of ones). Kept small
 * until something really needs every element, most of them vanish.
 */

/** What is broadcast by a `Broadcast` node, or `undefined`. */
function broadcastSource(value: Value, builder: GraphBuilder): Value | undefined {
  const { op, inputs } = builder.producer(value);
  return op === 'Broadcast' ? inputs[0] : undefined;
}

const broadcast = (builder: GraphBuilder, x: Value, shape: readonly number[]) =>
  sameShape(x.shape, shape) ? x : builder.emit('Broadcast', [x], { shape });

const dropUseless: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if (op !== 'Broadcast') return undefined;
  const shape = numbers(attributes, 'shape');
  if (sameShape(x!.shape, shape)) return x;
  const source = broadcastSource(x!, builder);
  return source ? builder.emit('Broadcast', [source], { shape }) : undefined;
};

/** Repeated along axes of length 1. */
const repeated: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if (op !== 'Tile') return undefined;
  const repeats = numbers(attributes, 'repeats');
  if (!x!.shape.every((size, axis) => size === 1 || repeats[axis] === 1)) return undefined;
  return broadcast(
    builder,
    x!,
    x!.shape.map((size, axis) => size * repeats[axis]!),
  );
};

/** op(broadcast(x), y) is op(x, y), since elementwise ops broadcast by themselves. */
const throughElementwise: Rule = ({ op, inputs, attributes }, builder) => {
  if (!isElementwise(op)) return undefined;
  const small = inputs.map((x) => broadcastSource(x, builder) ?? x);
  if (small.every((x, i) => x === inputs[i])) return undefined;
  const shape = inputs.map((x) => x.shape).reduce(broadcastShapes);
  return broadcast(builder, builder.emit(op, small, attributes), shape);
};

const throughReshape: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if (op !== 'Reshape') return undefined;
  const source = broadcastSource(x!, builder);
  if (!source) return undefined;
  const shape = numbers(attributes, 'shape');
  if (sizeOf(source.shape) === 1) {
    return broadcast(builder, builder.emit('Reshape', [source], { shape: shape.map(() => 1) }), shape);
  }
  // Only axes of one element come or go.
  const from = padShape(source.shape, x!.shape.length);
  const kept = x!.shape.map((dim, i) => ({ dim, own: from[i]! })).filter(({ dim }) => dim !== 1);
  if (
    !sameShape(
      kept.map(({ dim }) => dim),
      shape.filter((dim) => dim !== 1),
    )
  )
    return undefined;
  let next = 0;
  const own = shape.map((dim) => (dim === 1 ? 1 : kept[next++]!.own));
  return broadcast(builder, builder.emit('Reshape', [source], { shape: own }), shape);
};

const throughTranspose: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if (op !== 'Transpose') return undefined;
  const source = broadcastSource(x!, builder);
  if (!source) return undefined;
  const padded = builder.emit('Reshape', [source], { shape: padShape(source.shape, x!.shape.length) });
  const perm = numbers(attributes, 'perm');
  return broadcast(
    builder,
    builder.emit('Transpose', [padded], { perm }),
    perm.map((axis) => x!.shape[axis]!),
  );
};

/** A sum over axes that are broadcast is a product; a mean or an extreme over them is nothing. */
const throughReduce: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if (op !== 'ReduceSum' && op !== 'ReduceMean' && op !== 'ReduceMax' && op !== 'ReduceMin') return undefined;
  const source = broadcastSource(x!, builder);
  if (!source) return undefined;
  const axes = numbers(attributes, 'axes');
  const keepDims = flag(attributes, 'keepDims');
  const from = padShape(source.shape, x!.shape.length);
  const spread = axes.filter((axis) => from[axis] === 1 && x!.shape[axis] !== 1);
  if (spread.length === 0) return undefined;
  const padded = builder.emit('Reshape', [source], { shape: from });
  let small = builder.emit(op, [padded], { axes, keepDims });
  if (op === 'ReduceSum') {
    const count = spread.reduce((product, axis) => product * x!.shape[axis]!, 1);
    small = builder.emit('Mul', [small, builder.scalar(count, small.dtype as 'float32')]);
  }
  return broadcast(builder, small, reducedShape(x!.shape, axes, keepDims));
};

export const broadcastRules: readonly Rule[] = [
  dropUseless,
  repeated,
  throughElementwise,
  throughReshape,
  throughTranspose,
  throughReduce,
];
