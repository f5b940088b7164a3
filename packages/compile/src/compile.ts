import type { HostTensor } from '@beit/weights';
import type * as tf from '@tensorflow/tfjs';
import { findOnnxruntime, type OnnxruntimeOptions, onnxruntimeProgram } from './engines/onnxruntimeEngine';
import { type TfjsOptions, tfjsProgram } from './engines/tfjsEngine';
import { optimize } from './passes/optimize';
import { trace } from './record/trace';
import type { Tree } from './tree';
import type { EngineName, Program, Step, TensorSpec, TreeOf } from './types';

export interface CompileOptions extends OnnxruntimeOptions, TfjsOptions {
  /** `auto` (the default) takes the fastest engine that is installed; `Program.engine` says which. */
  readonly engine?: EngineName | 'auto';
}

/**
 * Makes a program of a step. With a compiled engine the step is called once, now, on tensors without numbers: it
 * must be a pure function of its arguments, made of TensorFlow.js ops; gradients (`tf.grads`, `tf.valueAndGrads`,
 * `tf.customGrad`) are part of it.
 *
 * @param step `(state, inputs) => { state, outputs }`, trees of named tensors
 * @param tensors the state to begin with, and dtype and shape of the inputs
 * @throws when the step can't be traced, or the engine is not installed
 */
export async function compile<
  S extends Tree<tf.Tensor>,
  I extends Tree<tf.Tensor>,
  O extends Tree<tf.Tensor>,
>(
  step: Step<S, I, O>,
  tensors: { readonly state: TreeOf<S, HostTensor>; readonly inputs: TreeOf<I, TensorSpec> },
  options: CompileOptions = {},
): Promise<Program<S, I, O>> {
  const { engine = 'auto' } = options;
  const state = tensors.state as Tree<HostTensor>;
  const inputs = tensors.inputs as Tree<TensorSpec>;
  if (engine !== 'auto' && engine !== 'tfjs' && engine !== 'onnxruntime') {
    throw new Error(`There is no engine '${engine}'. Engines: auto, onnxruntime, tfjs.`);
  }
  if (engine !== 'tfjs') {
    const runtime = await findOnnxruntime();
    if (runtime) {
      const traced = trace(step, tensors.state, tensors.inputs);
      const program = await onnxruntimeProgram(
        runtime,
        { ...traced, graph: optimize(traced.graph) },
        state,
        options,
      );
      return { engine: 'onnxruntime', ...program } as unknown as Program<S, I, O>;
    }
    if (engine === 'onnxruntime') {
      throw new Error(
        "The engine 'onnxruntime' needs the package onnxruntime-node: npm install onnxruntime-node",
      );
    }
  }
  const eager = step as unknown as Step<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>>;
  return { engine: 'tfjs', ...(await tfjsProgram(eager, state, inputs, options)) } as unknown as Program<
    S,
    I,
    O
  >;
}

/** The engines that can be used here, fastest first. */
export async function availableEngines(): Promise<EngineName[]> {
  return (await findOnnxruntime()) ? ['onnxruntime', 'tfjs'] : ['tfjs'];
}
