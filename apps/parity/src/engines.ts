import { type CompileOptions, compile, type EngineName, forwardStep } from '@beit/compile';
import type { HostTensor, Step, TensorSpec, Tree, TreeOf } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';

/** Those that have matrix products and convolutions in bfloat16, each under the name of its rows. */
export const BFLOAT16_ENGINES = {
  'openvino-bf16': 'openvino',
  'xla-bf16': 'xla',
} as const satisfies Readonly<Record<string, EngineName>>;
export type Bfloat16Engine = keyof typeof BFLOAT16_ENGINES;
/** An engine in float32, or one with products in bfloat16. */
export type Engine = EngineName | Bfloat16Engine;

export const isBfloat16 = (engine: string): engine is Bfloat16Engine =>
  Object.hasOwn(BFLOAT16_ENGINES, engine);

function optionsOf(engine: Engine): CompileOptions {
  if (isBfloat16(engine)) return { engine: BFLOAT16_ENGINES[engine], precision: 'bf16' };
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
