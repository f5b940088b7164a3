import { type CompileOptions, compile, forwardStep } from '@beit/compile';
import type { HostTensor, Step, TensorSpec, Tree, TreeOf } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';

/** Runs a step once with an engine and returns its outputs and the state after it. */
export async function runOnce<
  S extends Tree<tf.Tensor>,
  I extends Tree<tf.Tensor>,
  O extends Tree<tf.Tensor>,
>(
  step: Step<S, I, O>,
  state: TreeOf<S, HostTensor>,
  inputs: TreeOf<I, HostTensor>,
  engine: CompileOptions,
): Promise<{ outputs: TreeOf<O, HostTensor>; state: TreeOf<S, HostTensor> }> {
  const program = await compile(step, { state, inputs: inputs as TreeOf<I, TensorSpec> }, engine);
  const outputs = await program.run(inputs);
  const after = await program.readState();
  await program.dispose();
  return { outputs, state: after };
}

/** Runs a function of parameters and inputs once with an engine and returns its outputs. */
export const runForward = async <
  P extends Tree<tf.Tensor>,
  I extends Tree<tf.Tensor>,
  O extends Tree<tf.Tensor>,
>(
  fn: (params: P, inputs: I) => O,
  params: TreeOf<P, HostTensor>,
  inputs: TreeOf<I, HostTensor>,
  engine: CompileOptions,
): Promise<TreeOf<O, HostTensor>> => (await runOnce(forwardStep(fn), params, inputs, engine)).outputs;
