import { type CompileOptions, compile } from '@beit/compile';
import { flattenTensors, type HostTensor, type Step, type Tree, type TreeOf } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';

/** A step with what it takes to run it. */
export interface SmallProgram {
  readonly step: Step<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>>;
  readonly state: Tree<HostTensor>;
  /** The inputs of the n-th step. */
  inputs(n: number): Tree<HostTensor>;
}

/** Types know the names of a step's tensors; here all steps are handled alike. */
export const smallProgram = <S, I, O>(
  step: Step<S, I, O>,
  state: TreeOf<S, HostTensor>,
  inputs: (n: number) => TreeOf<I, HostTensor>,
): SmallProgram => ({ step, state, inputs }) as unknown as SmallProgram;

/** Numbers by path, as JSON can carry them from a page. */
export type Numbers = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly data: number[] }>
>;

const numbersOf = (tree: Tree<HostTensor>, prefix: string): Numbers =>
  Object.fromEntries(
    Object.entries(flattenTensors(tree)).map(([path, { shape, data }]) => [
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
  const program = await compile(step, { state, inputs: inputs(0) }, options);
  let outputs: Tree<HostTensor> = {};
  for (let n = 0; n < steps; n++) outputs = await program.run(inputs(n));
  const after = await program.readState();
  await program.dispose();
  return { ...numbersOf(outputs, 'outputs'), ...numbersOf(after, 'state') };
}
