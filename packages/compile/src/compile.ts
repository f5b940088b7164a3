import type { Step, TensorSpec, Tree, TreeOf } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import type { CompileOptions } from './compileOptions';
import { compileWith, enginesAmong } from './compileWith';
import { NODE_ENGINES } from './engines/nodeEngines';
import type { CompiledProgram, EngineName, GivenTensor } from './types';

/**
 * Makes a program of a step. With a compiled engine the step is called once, now, on tensors without numbers: it
 * must be a pure function of its arguments, made of TensorFlow.js ops; gradients (`tf.grads`, `tf.valueAndGrads`,
 * `tf.customGrad`) are part of it.
 *
 * @param step `(state, inputs) => { state, outputs }`, trees of named tensors
 * @param tensors the state to begin with, whose numbers must stay until the program is there, and dtype and shape of the
 * inputs
 * @throws when the step can't be traced or draws random numbers, the engine is not installed or does not have the
 * precision, and for a state or inputs that are no tensors, or whose arrays are of another type or length than they say
 */
export function compile<S extends Tree<tf.Tensor>, I extends Tree<tf.Tensor>, O extends Tree<tf.Tensor>>(
  step: Step<S, I, O>,
  tensors: { readonly state: TreeOf<S, GivenTensor>; readonly inputs: TreeOf<I, TensorSpec | GivenTensor> },
  options: CompileOptions = {},
): Promise<CompiledProgram<S, I, O>> {
  return compileWith(NODE_ENGINES, step, tensors, options);
}

/** The engines that can be used here, fastest first. */
export const availableEngines = (): Promise<EngineName[]> => enginesAmong(NODE_ENGINES);
