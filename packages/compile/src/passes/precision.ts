import { createGraphBuilder, type GraphBuilder } from '../graph/builder';
import { type Graph, type Node, sizeOf, type Value } from '../graph/graph';
import { at, mapEach, mapIfAll } from '../graph/lists';
import { among } from '../graph/ops';
import { produced, scalarConstant } from './algebraRules';
import { rebuildGraph } from './rebuildGraph';
import { type Rule, ruleFor } from './rule';

/** What is computed in bfloat16: matrix products and convolutions, whose sums the hardware keeps in float32. */
const isInBfloat16 = among(['MatMul', 'Conv', 'ConvInputGradient', 'ConvFilterGradient']);

const cast = (builder: GraphBuilder, x: Value, dtype: 'float32' | 'bfloat16') =>
  x.dtype === dtype ? x : builder.emit('Cast', [x], { dtype });

/** Fewer rows are added up as they are. */
const FEWEST_ROWS = 64;

/** Ids of what these ops take. */
const operandsOf = (graph: Graph, isMeant: (node: Node) => boolean): Set<number> =>
  new Set(graph.nodes.filter(isMeant).flatMap(({ inputs }) => inputs.map(({ id }) => id)));

/** The bfloat16 value that a cast to float32 takes, or `undefined` for what is no such cast. */
export function wideningSource(value: Value, builder: GraphBuilder): Value | undefined {
  const source = produced(value, 'Cast', builder)?.inputs[0];
  return source?.dtype === 'bfloat16' ? source : undefined;
}

/** The bfloat16 value that a float32 one equals: a power of two, as attention's scale often is, multiplies exactly. */
function withoutRounding(value: Value, builder: GraphBuilder): Value | undefined {
  const { op, inputs } = builder.producer(value);
  if (op !== 'Mul') return wideningSource(value, builder);
  const source = wideningSource(inputs[0], builder);
  const factor = scalarConstant(inputs[1], builder);
  if (!source || !factor || !Number.isInteger(Math.log2(factor))) return undefined;
  return builder.emit('Mul', [source, cast(builder, inputs[1], 'bfloat16')]);
}

export interface Bfloat16Options {
  /** Whether the engine adds up long columns of bfloat16 faster as a product with ones. */
  readonly sumsAsProducts?: boolean;
}

/**
 * The graph with the operands of matrix products and convolutions in bfloat16, as PyTorch's autocast has them.
 * Parameters, the optimizer, normalizations, softmax, the residual stream and losses are computed in float32.
 */
export function toBfloat16(graph: Graph, { sumsAsProducts = false }: Bfloat16Options = {}): Graph {
  const builder = createGraphBuilder();
  const operands = operandsOf(graph, isInBfloat16);
  const factors = operandsOf(graph, ({ op }) => op === 'MatMul');

  function inBfloat16(node: Node): Value | undefined {
    if (!isInBfloat16(node)) return undefined;
    const { op, inputs, attributes } = node;
    if (inputs.some(({ dtype }) => dtype !== 'float32')) return undefined;
    const narrow = mapEach(inputs, (x) => cast(builder, x, 'bfloat16'));
    return cast(builder, builder.emit(op, narrow, attributes), 'float32');
  }

  /**
   * A sum over all axes but one, as the gradient of a bias is, of what is in bfloat16 anyway: a product with ones, which
   * adds up in float32 and reads half the bytes.
   */
  function biasGradient({ op, inputs, attributes }: Node, before: Node): Value | undefined {
    if (!sumsAsProducts || op !== 'ReduceSum' || inputs[0].dtype !== 'float32') return undefined;
    const [rows] = inputs;
    const { shape } = rows;
    const { axes, keepDims } = attributes;
    if (shape.length < 2 || axes.length !== shape.length - 1) return undefined;
    const kept = shape.findIndex((_, axis) => !axes.includes(axis));
    const width = at(shape, kept);
    const count = sizeOf(shape) / width;
    if (count < FEWEST_ROWS) return undefined;
    if (!before.inputs.some(({ id }) => operands.has(id)) && !wideningSource(rows, builder)) return undefined;
    const perm = [...shape.keys()].filter((axis) => axis !== kept);
    const turned = builder.emit('Transpose', [cast(builder, rows, 'bfloat16')], { perm: [...perm, kept] });
    const ones = cast(
      builder,
      builder.emit('Broadcast', [builder.scalar(1)], { shape: [1, count] }),
      'bfloat16',
    );
    const sum = builder.emit('MatMul', [ones, builder.emit('Reshape', [turned], { shape: [count, width] })], {
      transposeA: false,
      transposeB: false,
    });
    return builder.emit('Reshape', [cast(builder, sum, 'float32')], {
      shape: keepDims ? shape.map((size, axis) => (axis === kept ? size : 1)) : [width],
    });
  }

  /**
   * Attention comes from a product and goes into one: in between, too, it is kept in bfloat16, while the softmax itself
   * is computed in float32. It would else be the largest tensor that is kept for the gradient.
   */
  function attention({ op, inputs, outputs: [probabilities] }: Node): Value | undefined {
    if (op !== 'Softmax' || !factors.has(probabilities.id)) return undefined;
    const narrow = withoutRounding(inputs[0], builder);
    return narrow && cast(builder, builder.emit('Softmax', [narrow]), 'float32');
  }

  return rebuildGraph(graph, builder, (node, before) => {
    const value = biasGradient(node, before) ?? attention(node) ?? inBfloat16(node);
    return value && [value];
  });
}

/** What only moves elements may as well move them in half the bytes; but a padding is filled in its own type. */
const MOVING_ANY_TYPE = ['Reshape', 'Transpose', 'Slice', 'Concat', 'Tile'] as const;
const movesAnyType = among([...MOVING_ANY_TYPE, 'Broadcast']);

/** Casts to bfloat16 go above what only moves elements: bf16(transpose(x)) is transpose(bf16(x)). */
const castsRise = ruleFor(['Cast'], ({ inputs: [x], attributes }, builder) => {
  if (attributes.dtype !== 'bfloat16') return undefined;
  const moved = builder.producer(x);
  if (!movesAnyType(moved)) return undefined;
  const narrow = mapEach(moved.inputs, (input) => builder.emit('Cast', [input], attributes));
  return builder.emit(moved.op, narrow, moved.attributes);
});

/** And casts from it below: reshape(f32(x)) is f32(reshape(x)). */
const castsSink = ruleFor(MOVING_ANY_TYPE, ({ op, inputs, attributes }, builder) => {
  const narrow = mapIfAll(inputs, (input) => wideningSource(input, builder));
  return narrow && builder.emit('Cast', [builder.emit(op, narrow, attributes)], { dtype: 'float32' });
});

/** What a linear layer adds its bias to, straight out of a matrix product in bfloat16. */
function biased(value: Value, builder: GraphBuilder): { product: Value; bias: Value } | undefined {
  const sum = produced(value, 'Add', builder);
  if (!sum) return undefined;
  const [a, bias] = sum.inputs;
  const product = wideningSource(a, builder);
  return product && bias.shape.length <= 1 ? { product, bias } : undefined;
}

/**
 * reshape(f32(y) + bias) is f32(reshape(y)) + bias while the last axis stays. Elementwise work after a linear layer
 * then begins at its product in bfloat16, with no reshape between; work in another shape begins there as well, where
 * else the sum in float32 would be kept for it.
 */
const biasesSink = ruleFor(['Reshape'], ({ inputs: [x], attributes }, builder) => {
  const from = biased(x, builder);
  if (!from || attributes.shape.at(-1) !== x.shape.at(-1)) return undefined;
  const product = builder.emit('Reshape', [from.product], attributes);
  return builder.emit('Add', [builder.emit('Cast', [product], { dtype: 'float32' }), from.bias]);
});

export const precisionRules: readonly Rule[] = [castsRise, castsSink, biasesSink];
