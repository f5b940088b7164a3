/** What a traced program takes, counted from its graph; nothing is run. */
import type { Graph, Node, Value } from '@beit/compile';

const sizeOf = ({ shape }: Pick<Value, 'shape'>): number => shape.reduce((size, dim) => size * dim, 1);

/** Floating point operations of matrix products and convolutions, a multiplication and an addition counting two. */
export const countFlops = ({ nodes }: Graph): number => nodes.reduce((sum, node) => sum + flopsOf(node), 0);

function flopsOf({ op, inputs, outputs, attributes }: Node): number {
  if (op === 'MatMul') {
    const inner = inputs[0]!.shape.at(attributes.transposeA ? -2 : -1)!;
    return 2 * inner * sizeOf(outputs[0]!);
  }
  // Filters are [out, in, height, width]: every output pixel is a product with one filter of each output channel.
  const products = (filter: readonly number[], output: Value) =>
    (2 * sizeOf(output) * sizeOf({ shape: filter })) / filter[0]!;
  if (op === 'Conv') return products(inputs[1]!.shape, outputs[0]!);
  if (op === 'ConvInputGradient') return products(inputs[1]!.shape, inputs[0]!);
  if (op === 'ConvFilterGradient') return products(attributes.filterShape as number[], inputs[1]!);
  return 0;
}

const BYTES: Readonly<Record<string, number>> = { float32: 4, bfloat16: 2, int32: 4, bool: 1, int64: 8 };

/**
 * Bytes of intermediate results that are needed at once, at most, when nodes run in the order of the graph and a result
 * is freed after its last use: the activations, where it is a program of gradients. Inputs and outputs do not count. An
 * engine that fuses ops needs less, one that lays memory out beforehand a little more.
 */
export function countLiveBytes({ nodes, inputs, outputs }: Graph): number {
  const given = new Set([...inputs.values(), ...outputs.values()].map(({ id }) => id));
  // A reshaped value is the same memory.
  const memory = new Map<number, number>();
  const rootOf = ({ id }: Value) => memory.get(id) ?? id;
  for (const { op, inputs, outputs } of nodes)
    if (op === 'Reshape') memory.set(outputs[0]!.id, rootOf(inputs[0]!));
  const lastUse = new Map<number, number>();
  nodes.forEach(({ inputs }, i) => {
    for (const value of inputs) lastUse.set(rootOf(value), i);
  });
  const sizes = new Map<number, number>();
  let [live, most] = [0, 0];
  nodes.forEach(({ op, inputs, outputs }, i) => {
    if (op === 'Constant' || op === 'Input' || op === 'Reshape') return;
    for (const value of outputs) {
      if (given.has(value.id)) continue;
      sizes.set(value.id, sizeOf(value) * BYTES[value.dtype]!);
      live += sizes.get(value.id)!;
    }
    most = Math.max(most, live);
    for (const root of new Set([...inputs, ...outputs].map(rootOf))) {
      if ((lastUse.get(root) ?? i) > i) continue;
      live -= sizes.get(root) ?? 0;
      sizes.delete(root);
    }
  });
  return most;
}
