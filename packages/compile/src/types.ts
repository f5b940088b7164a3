import type { HostTensor } from '@beit/weights';
import type * as tf from '@tensorflow/tfjs';
import type { Tree } from './tree';

/** What is known of a tensor before it is there. */
export interface TensorSpec {
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
}

/**
 * A tensor that a program is given: an array on the host, of the type that its dtype says, or one of TensorFlow.js, which
 * stays its owner's.
 */
export type GivenTensor = HostTensor | tf.Tensor;

/** The form of a tree of tensors, with `Leaf` where the tensors are. */
export type TreeOf<T, Leaf> = T extends tf.Tensor ? Leaf : { readonly [K in keyof T]: TreeOf<T[K], Leaf> };

/**
 * One training step, or any other computation: tensors in, tensors out, nothing else. The state that it returns has
 * the names, shapes and dtypes of the one that it got.
 */
export type Step<S extends Tree<tf.Tensor>, I extends Tree<tf.Tensor>, O extends Tree<tf.Tensor>> = (
  state: S,
  inputs: I,
) => { state: S; outputs: O };

/** A step that an engine keeps ready, with its state inside. */
export interface Program<S, I, O> {
  /** The engine that runs it. */
  readonly engine: EngineName;
  /**
   * One step. The state moves on inside the engine. Calls run one after the other, in their order; the numbers are those
   * that the inputs hold now, whatever their owner writes there before the step has run.
   *
   * @throws when an input is missing, or of another dtype, shape or type of array than compiled for
   */
  run(inputs: TreeOf<I, GivenTensor>): Promise<TreeOf<O, HostTensor>>;
  /** The state now. Its arrays are the engine's own: copy what must outlive the next `run`. */
  readState(): Promise<TreeOf<S, HostTensor>>;
  /** Another state of the same names, dtypes and shapes; the numbers are those that it holds now. */
  writeState(state: TreeOf<S, GivenTensor>): Promise<void>;
  /** Frees all of it when the calls before have ended. No other call may follow but this one again. */
  dispose(): Promise<void>;
}

export type EngineName = 'openvino' | 'onnxruntime' | 'tensorflow' | 'tensorflow-gpu' | 'tfjs';
export type Precision = 'fp32' | 'bf16';
