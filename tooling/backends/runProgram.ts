import { type CompileOptions, compile } from '@beit/compile';
import type { HostTensor } from '@beit/tensors';
import { flattenTree, type Step, type Tree } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';

/** A step with what it takes to run it. */
export interface SmallProgram {
  readonly step: Step<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>>;
  readonly state: Tree<HostTensor>;
  /** The inputs of the n-th step. */
  inputs(n: number): Tree<HostTensor>;
}

/** Numbers by path, as JSON can carry them from a page. */
export type Numbers = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly data: number[] }>
>;

const isHostTensor = (node: Tree<HostTensor>): node is HostTensor =>
  Array.isArray((node as { shape?: unknown }).shape);

const numbersOf = (tree: Tree<HostTensor>, prefix: string): Numbers =>
  Object.fromEntries(
    flattenTree(tree, isHostTensor).map(([path, { shape, data }]) => [
      `${prefix}/${path}`,
      { shape, data: Array.from(data as Float32Array) },
    ]),
  );

/** Runs some steps and returns the outputs of the last, and the state after it. */
export async function runProgram(
  { step, state, inputs }: SmallProgram,
  options: CompileOptions,
  steps = 1,
): Promise<Numbers> {
  const program = await compile(step, { state, inputs: inputs(0) } as never, options);
  let outputs = {} as Tree<HostTensor>;
  for (let n = 0; n < steps; n++) outputs = (await program.run(inputs(n) as never)) as Tree<HostTensor>;
  const after = (await program.readState()) as Tree<HostTensor>;
  await program.dispose();
  return { ...numbersOf(outputs, 'outputs'), ...numbersOf(after, 'state') };
}
