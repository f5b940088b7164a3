import { compile, type EngineName, type Step, type TensorSpec, type Tree, type TreeOf } from '@beit/compile';
import type { HostTensor } from '@beit/weights';
import type * as tf from '@tensorflow/tfjs';

export type Engine = EngineName;

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
  const program = await compile(
    step,
    { state, inputs: inputs as TreeOf<I, TensorSpec> },
    engine === 'tfjs' ? { engine, backend: 'cpu' } : { engine },
  );
  const outputs = await program.run(inputs);
  const after = await program.readState();
  await program.dispose();
  return { outputs, state: after };
}
