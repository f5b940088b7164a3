import type { HostTensor } from '@beit/weights';
import type * as tf from '@tensorflow/tfjs';
import type { Tree } from './tree';

/** What is known of a tensor before it is there. */
export interface TensorSpec {
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
}

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
   * One step. The state moves on inside the engine.
   *
   * @throws when an input is missing, or of another dtype or shape than compiled for
   */
  run(inputs: TreeOf<I, HostTensor>): Promise<TreeOf<O, HostTensor>>;
  /** The state now. Its arrays are the engine's own: copy what must outlive the next `run`. */
  readState(): Promise<TreeOf<S, HostTensor>>;
  /** Another state of the same names, dtypes and shapes; the numbers are copied. */
  writeState(state: TreeOf<S, HostTensor>): Promise<void>;
  dispose(): Promise<void>;
}

export type EngineName = 'openvino' | 'onnxruntime' | 'tensorflow' | 'tensorflow-gpu' | 'tfjs';
export type Precision = 'fp32' | 'bf16';
