import type { Tree } from './tree';

/** What is known of a tensor before it is there. */
export interface TensorSpec {
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
}

/** What host tensors, those of TensorFlow.js and specs of tensors are alike in. */
interface AnyTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
}

/** The form of a tree of tensors, with `Leaf` where the tensors are; any tree where nothing is known of it. */
export type TreeOf<T, Leaf> = unknown extends T
  ? Tree<Leaf>
  : T extends AnyTensor
    ? Leaf
    : T extends object
      ? { readonly [K in keyof T]: TreeOf<T[K], Leaf> }
      : never;

/**
 * One training step, or any other computation: trees of tensors in, trees of tensors out, nothing else. The state that it
 * returns has the names, shapes and dtypes of the one that it got.
 */
export type Step<S, I, O> = (state: S, inputs: I) => { state: S; outputs: O };

/** A step that is kept ready, with its state inside. `S`, `I` and `O`: trees of tensors on the host. */
export interface Program<S, I, O> {
  /** One step. The state moves on inside. */
  run(inputs: I): Promise<O>;
  /** Has the inputs of a coming step travel now, while another one runs: `run` of the same object then has them there. */
  send?(inputs: I): void;
  /** The state now. Its arrays are the program's own: copy what must outlive the next `run`. */
  readState(): Promise<S>;
  /** Another state of the same names, dtypes and shapes. */
  writeState(state: S): Promise<void>;
}
