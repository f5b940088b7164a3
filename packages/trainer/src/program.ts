import type { HostTensor } from '@beit/tensors';

/** A host array, or named ones, to any depth: `{ params: { 'head.weight': ... }, m: ..., v: ... }`. */
export type TensorTree = HostTensor | { readonly [name: string]: TensorTree };

/**
 * What the loop needs of a training program; those of `@beit/compile` have this form. `run` makes one step from the
 * inputs of type `I` and gives outputs, of which the scalars (shape `[]`) are logged; `loss` and `gradNorm` are watched.
 * Arrays given by `readState` need to be valid until the next `run` only.
 */
export interface Program<I> {
  run(inputs: I): Promise<TensorTree>;
  readState(): Promise<TensorTree>;
  writeState(state: TensorTree): Promise<void>;
  /**
   * The groups of the state that every process of a job keeps whole, where the others are spread over them. Then
   * all call `readState` together, and the first one gets the whole state, the others these groups and their parts.
   * Default: all groups.
   */
  readonly replicated?: readonly string[];
}
