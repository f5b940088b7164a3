import type { HostTensor, Program, TensorSpec, TreeOf } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';

/**
 * A tensor that a program is given: an array on the host, of the type that its dtype says, or one of TensorFlow.js, which
 * stays its owner's.
 */
export type GivenTensor = HostTensor | tf.Tensor;

/** What a compiled program takes on each of its devices, in bytes, as its compiler says. */
export interface ProgramMemory {
  /** State and inputs. */
  readonly arguments: number;
  readonly outputs: number;
  /** Of the outputs, what is written over arguments. */
  readonly aliased: number;
  /** Tensors on the way. */
  readonly temporary: number;
  /** The most at once. */
  readonly peak: number;
}

/** A step of TensorFlow.js, from state `S` and inputs `I` to outputs `O`, that an engine keeps ready. */
export interface CompiledProgram<S, I, O>
  extends Program<TreeOf<S, HostTensor>, TreeOf<I, GivenTensor>, TreeOf<O, HostTensor>> {
  /** The engine that runs it. */
  readonly engine: EngineName;
  /** What it takes; of engines that tell, which is `xla`. */
  readonly memory?: ProgramMemory;
  /**
   * One step. The state moves on inside the engine. Calls run one after the other, in their order; the numbers are those
   * that the inputs hold now, whatever their owner writes there before the step has run.
   *
   * @throws when an input is missing, or of another dtype, shape or type of array than compiled for
   */
  run(inputs: TreeOf<I, GivenTensor>): Promise<TreeOf<O, HostTensor>>;
  /**
   * Copies the inputs of a coming run to where the engine computes, as they are now: `run` of the same object, once, finds
   * them there. On a device they travel while another run is under way.
   *
   * @throws what `run` throws for inputs
   */
  send(inputs: TreeOf<I, GivenTensor>): void;
  /** The state now. Its arrays are the engine's own: copy what must outlive the next `run`. */
  readState(): Promise<TreeOf<S, HostTensor>>;
  /** Another state of the same names, dtypes and shapes; the numbers are those that it holds now. */
  writeState(state: TreeOf<S, GivenTensor>): Promise<void>;
  /** Frees all of it when the calls before have ended. No other call may follow but this one again. */
  dispose(): Promise<void>;
}

/** Steps over one state, by name. */
export type Steps = {
  readonly [name: string]: (state: never, inputs: never) => { state: unknown; outputs: unknown };
};
export type StateOf<P extends Steps> = P[keyof P] extends (state: infer S, inputs: never) => unknown
  ? S
  : never;
export type InputsOf<P> = P extends (state: never, inputs: infer I) => unknown ? I : never;
export type OutputsOf<P> = P extends (...given: never) => { outputs: infer O } ? O : never;

/** The tensors that programs of these steps begin with: the state, and for each step dtype and shape of its inputs. */
export interface StepTensors<P extends Steps> {
  readonly state: TreeOf<StateOf<P>, GivenTensor>;
  readonly inputs: { readonly [K in keyof P]: TreeOf<InputsOf<P[K]>, TensorSpec | GivenTensor> };
}

/** Steps over one state, which an engine keeps once: what one of them writes, the others read in place. */
export interface CompiledPrograms<P extends Steps> {
  /** The engine that runs them. */
  readonly engine: EngineName;
  /** What the one of them takes that takes most; of engines that tell, which is `xla`. */
  readonly memory?: ProgramMemory;
  /** The names of the state's own groups. */
  readonly groups: readonly string[];
  /** One step of each, as `run` of a program of its own; calls run one after the other, whichever step they are of. */
  readonly run: {
    readonly [K in keyof P]: (
      inputs: TreeOf<InputsOf<P[K]>, GivenTensor>,
    ) => Promise<TreeOf<OutputsOf<P[K]>, HostTensor>>;
  };
  /** The state now, or some groups of it. Its arrays are the engine's own: copy what must outlive the next `run`. */
  readState(): Promise<TreeOf<StateOf<P>, HostTensor>>;
  readState<K extends keyof StateOf<P>>(
    groups: readonly K[],
  ): Promise<TreeOf<Pick<StateOf<P>, K>, HostTensor>>;
  /** Another state, or other groups of it, of the same names, dtypes and shapes. */
  writeState(state: Partial<TreeOf<StateOf<P>, GivenTensor>>): Promise<void>;
  /** Frees all of it when the calls before have ended. No other call may follow but this one again. */
  dispose(): Promise<void>;
}

export type EngineName = 'xla' | 'openvino' | 'onnxruntime' | 'tensorflow' | 'tensorflow-gpu' | 'tfjs';
export type Precision = 'fp32' | 'tf32' | 'bf16';
