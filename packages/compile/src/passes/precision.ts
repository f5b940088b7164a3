import { createGraphBuilder, type GraphBuilder } from '../graph/builder';
import type { Graph, Node, Value } from '../graph/graph';
import { flag, numbers } from '../graph/ops';
import { rebuildNode } from './optimize';
import type { Rule } from './rule';

/** What is computed in bfloat16: matrix products and convolutions, whose sums the hardware keeps in float32. */
const IN_BFLOAT16: ReadonlySet<string> = new Set([
  'MatMul',
  'Conv',
  'ConvInputGradient',
  'ConvFilterGradient',
]);

const cast = (builder: GraphBuilder, x: Value, dtype: 'float32' | 'bfloat16') =>
  x.dtype === dtype ? x : builder.emit('Cast', [x], { dtype });

/** Fewer rows are added up as they are. */
const FEWEST_ROWS = 64;

/** Ids of what matrix products multiply. */
const multiplied = (graph: Graph): Set<number> =>
  new Set(
    graph.nodes.filter(({ op }) => op === 'MatMul').flatMap(({ inputs }) => inputs.map(({ id }) => id)),
  );

/**
 * The graph with the operands of matrix products and convolutions in bfloat16, as PyTorch's autocast has them.
 * Parameters, the optimizer, normalizations, softmax, the residual stream and losses stay in float32.
 */
export function toBfloat16(graph: Graph): Graph {
  const builder = createGraphBuilder();
  const replaced = new Map<number, Value>();
  const operands = multiplied(graph);
  const widened = (value: Value) => {
    const { op, inputs } = builder.producer(value);
    return op === 'Cast' && inputs[0]!.dtype === 'bfloat16';
  };

  /**
   * A sum over rows, as the gradient of a bias is, when the rows are in bfloat16 anyway: a product with ones, which
   * adds up in float32 and reads half the bytes.
   */
  function rowSum({ op, inputs: [x], attributes }: Node, rows: Value): Value | undefined {
    if (op !== 'ReduceSum' || rows.shape.length !== 2 || rows.dtype !== 'float32') return undefined;
    const axes = numbers(attributes, 'axes');
    const [count, width] = rows.shape as [number, number];
    if (axes.length !== 1 || axes[0] !== 0 || count < FEWEST_ROWS) return undefined;
    if (!operands.has(x!.id) && !widened(rows)) return undefined;
    const ones = builder.emit('Broadcast', [builder.scalar(1)], { shape: [1, count] });
    const sum = builder.emit('MatMul', [cast(builder, ones, 'bfloat16'), cast(builder, rows, 'bfloat16')], {
      transposeA: false,
      transposeB: false,
    });
    const shape = flag(attributes, 'keepDims') ? [1, width] : [width];
    return builder.emit('Reshape', [cast(builder, sum, 'float32')], { shape });
  }

  for (const node of graph.nodes) {
    const inputs = node.inputs.map((value) => replaced.get(value.id)!);
    const sum = inputs.length > 0 ? rowSum(node, inputs[0]!) : undefined;
    const outputs = sum
      ? [sum]
      : IN_BFLOAT16.has(node.op) && inputs.every(({ dtype }) => dtype === 'float32')
        ? [
            cast(
              builder,
              builder.emit(
                node.op,
                inputs.map((x) => cast(builder, x, 'bfloat16')),
                node.attributes,
              ),
              'float32',
            ),
          ]
        : rebuildNode(node, inputs, builder);
    node.outputs.forEach((output, i) => {
      replaced.set(output.id, outputs[i]!);
    });
  }
  return builder.finish(new Map([...graph.outputs].map(([name, value]) => [name, replaced.get(value.id)!])));
}

/** Ops that only move elements, which may as well be moved in half the bytes. */
const MOVES: ReadonlySet<string> = new Set(['Reshape', 'Transpose', 'Slice', 'Concat', 'Broadcast', 'Tile']);

/** Casts to bfloat16 go above what only moves elements: bf16(transpose(x)) is transpose(bf16(x)). */
const castsRise: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if (op !== 'Cast' || attributes.dtype !== 'bfloat16') return undefined;
  const moved = builder.producer(x!);
  if (!MOVES.has(moved.op)) return undefined;
  return builder.emit(
    moved.op,
    moved.inputs.map((input) => builder.emit('Cast', [input], attributes)),
    moved.attributes,
  );
};

/** And casts from it below: reshape(f32(x)) is f32(reshape(x)). */
const castsSink: Rule = ({ op, inputs, attributes }, builder) => {
  if (!MOVES.has(op) || op === 'Broadcast') return undefined;
  const narrow = inputs.map((input) => {
    const { op: made, inputs: from } = builder.producer(input);
    return made === 'Cast' && from[0]!.dtype === 'bfloat16' ? from[0]! : undefined;
  });
  if (narrow.some((x) => x === undefined)) return undefined;
  return builder.emit('Cast', [builder.emit(op, narrow as Value[], attributes)], { dtype: 'float32' });
};

/** What a linear layer adds its bias to, straight out of a matrix product in bfloat16. */
function biased(value: Value, builder: GraphBuilder): { product: Value; bias: Value } | undefined {
  const { op, inputs } = builder.producer(value);
  if (op !== 'Add') return undefined;
  const [a, bias] = inputs as [Value, Value];
  const { op: made, inputs: from } = builder.producer(a);
  if (made !== 'Cast' || from[0]!.dtype !== 'bfloat16' || bias.shape.length > 1) return undefined;
  return { product: from[0]!, bias };
}

/**
 * reshape(f32(y) + bias) is f32(reshape(y)) + bias while the last axis stays. Elementwise work after a linear layer
 * then begins at its product in bfloat16, with no reshape between; work in another shape begins there as well, where
 * else the sum in float32 would be kept for it.
 */
const biasesSink: Rule = ({ op, inputs: [x], attributes }, builder) => {
  if (op !== 'Reshape') return undefined;
  const from = biased(x!, builder);
  const shape = numbers(attributes, 'shape');
  if (!from || shape.at(-1) !== x!.shape.at(-1)) return undefined;
  const product = builder.emit('Reshape', [from.product], attributes);
  return builder.emit('Add', [builder.emit('Cast', [product], { dtype: 'float32' }), from.bias]);
};

export const precisionRules: readonly Rule[] = [castsRise, castsSink, biasesSink];
