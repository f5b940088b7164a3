import { createGraphBuilder, type GraphBuilder } from '../graph/builder';
import type { Graph, Value } from '../graph/graph';
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

/**
 * The graph with the operands of matrix products and convolutions in bfloat16, as PyTorch's autocast has them.
 * Parameters, the optimizer, normalizations, softmax, the residual stream and losses stay in float32.
 */
export function toBfloat16(graph: Graph): Graph {
  const builder = createGraphBuilder();
  const replaced = new Map<number, Value>();
  for (const node of graph.nodes) {
    const inputs = node.inputs.map((value) => replaced.get(value.id)!);
    const outputs =
      IN_BFLOAT16.has(node.op) && inputs.every(({ dtype }) => dtype === 'float32')
        ? [
            cast(
              builder,
              builder.emit(node.op, inputs.map((x) => cast(builder, x, 'bfloat16')), node.attributes),
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

/** What sinks below casts by rules of its own. */
const SINKS: ReadonlySet<string> = new Set(['Transpose', 'Broadcast']);

/** And casts from it below: reshape(f32(x)) is f32(reshape(x)). */
const castsSink: Rule = ({ op, inputs, attributes }, builder) => {
  if (!MOVES.has(op) || SINKS.has(op)) return undefined;
  const narrow = inputs.map((input) => {
    const { op: made, inputs: from } = builder.producer(input);
    return made === 'Cast' && from[0]!.dtype === 'bfloat16' ? from[0]! : undefined;
  });
  if (narrow.some((x) => x === undefined)) return undefined;
  return builder.emit('Cast', [builder.emit(op, narrow as Value[], attributes)], { dtype: 'float32' });
};

export const precisionRules: readonly Rule[] = [castsRise, castsSink];
