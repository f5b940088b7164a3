import type { Step, TensorSpec, TreeOf } from '@beit/tensors';
import { chooseAmong, type EngineChoice, explainedChoice } from './chooseEngine';
import type { CompileOptions } from './compileOptions';
import { compileProgramsWith, compileWith, enginesAmong } from './compileWith';
import { NODE_ENGINES } from './engines/nodeEngines';
import { forwardStep } from './forwardStep';
import { readyForProfile } from './readyForProfile';
import type { CompiledProgram, CompiledPrograms, EngineName, GivenTensor, Steps, StepTensors } from './types';

/**
 * Makes a program of a step. With a compiled engine the step is called once, now, on tensors without numbers: it
 * must be a pure function of its arguments, made of TensorFlow.js ops; gradients (`tf.grads`, `tf.valueAndGrads`,
 * `tf.customGrad`) are part of it.
 *
 * @param step `(state, inputs) => { state, outputs }`, trees of named tensors
 * @param tensors the state to begin with, whose numbers must stay until the program is there, and dtype and shape of the
 * inputs
 * @throws when the step can't be traced or draws random numbers, the engine is not installed or does not have the
 * precision, a profile can't be written, and for a state or inputs that are no tensors, or whose arrays are of another type or length than they say
 */
export async function compile<S, I, O>(
  step: Step<S, I, O>,
  tensors: { readonly state: TreeOf<S, GivenTensor>; readonly inputs: TreeOf<I, TensorSpec | GivenTensor> },
  options: CompileOptions = {},
): Promise<CompiledProgram<S, I, O>> {
  await readyForProfile(options);
  return compileWith(NODE_ENGINES, step, tensors, options);
}

/**
 * Makes a program of a function of parameters and inputs, such as a model's forward pass: its state are the parameters.
 *
 * @param fn `(params, inputs) => outputs`, as `compile` takes a step
 * @throws what `compile` throws
 */
export function compileForward<P, I, O>(
  fn: (params: P, inputs: I) => O,
  tensors: { readonly params: TreeOf<P, GivenTensor>; readonly inputs: TreeOf<I, TensorSpec | GivenTensor> },
  options: CompileOptions = {},
): Promise<CompiledProgram<P, I, O>> {
  return compile(forwardStep(fn), { state: tensors.params, inputs: tensors.inputs }, options);
}

/**
 * Makes programs of several steps over one state, which an engine keeps once: gradients that one step adds up another
 * takes where they are, and nothing is copied between them.
 *
 * @param steps by name; each gets all of the state and returns all of it, and what it returns as it got it costs nothing
 * @param tensors the state to begin with, and for each step dtype and shape of its inputs
 * @throws what `compile` throws
 */
export async function compilePrograms<P extends Steps>(
  steps: P,
  tensors: StepTensors<P>,
  options: CompileOptions = {},
): Promise<CompiledPrograms<P>> {
  await readyForProfile(options);
  return compileProgramsWith(NODE_ENGINES, steps, tensors, options);
}

/**
 * Which engine `compile` takes with these options, and why.
 *
 * @throws what `compile` throws where none can be taken
 */
export async function chooseEngine(options: CompileOptions = {}): Promise<EngineChoice> {
  return explainedChoice(await chooseAmong(NODE_ENGINES, options));
}

/** The engines that can be used here, fastest first. */
export const availableEngines = (): Promise<EngineName[]> => enginesAmong(NODE_ENGINES);
