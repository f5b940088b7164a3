import { type CompileOptions, compile, type EngineName, forwardStep } from '@beit/compile';
import type { HostTensor, Step, TensorSpec, Tree, TreeOf } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';

/** An engine in float32, or OpenVINO with its matrix products and convolutions in bfloat16. */
export type Engine = EngineName | 'openvino-bf16';

function optionsOf(engine: Engine): CompileOptions {
  if (engine === 'openvino-bf16') return { engine: 'openvino', precision: 'bf16' };
  return engine === 'tfjs' ? { engine, backend: 'cpu' } : { engine };
}

/** Runs a step once with an engine and returns its outputs and the state after it. */
export async function runOnce<
  S extends Tree<tf.Tensor>,
  I extends Tree<tf.Tensor>,
  O extends Tree<tf.Tensor>,
>(
  step: Step<S, I, O>,
  state: TreeOf<S, HostTensor>,
  inputs: TreeOf<I, HostTensor>,
  engine: Engine,
): Promise<{ outputs: TreeOf<O, HostTensor>; state: TreeOf<S, HostTensor> }> {
  const program = await compile(step, { state, inputs: inputs as TreeOf<I, TensorSpec> }, optionsOf(engine));
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
  engine: Engine,
): Promise<TreeOf<O, HostTensor>> => (await runOnce(forwardStep(fn), params, inputs, engine)).outputs;
