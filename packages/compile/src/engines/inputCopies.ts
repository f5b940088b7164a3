import type { TensorSpec, Tree } from '@beit/tensors';
import { isEmpty } from '../passes/emptyTensors';
import type { GivenTensor } from '../types';
import type { HostArray } from './alignedArray';
import { checkedLeaves, numbersOf } from './checkedLeaves';

/** An engine's tensor over an array of ours. */
export interface OwnTensor {
  readonly data: HostArray;
}

/** The inputs of runs as they were when each was asked for, in memory of the program that is used again. */
export interface InputCopies<T> {
  /** Checks and copies. @throws what `checkedLeaves` throws */
  take(inputs: Tree<GivenTensor>): ReadonlyMap<string, T>;
  /** To be called when the run has ended. */
  giveBack(copies: ReadonlyMap<string, T>): void;
  dispose(): void;
}

/** Sets of inputs that are kept: one for the run under way and one for the next. More are made where more runs wait. */
const MOST_KEPT = 2;

/**
 * @param specs of the inputs by path; those without elements are checked, and not copied
 * @param make makes a tensor over an array of its own
 * @param free frees one
 */
export function inputCopies<T extends OwnTensor>(
  specs: ReadonlyMap<string, TensorSpec>,
  make: (spec: TensorSpec) => T,
  free: (tensor: T) => void,
): InputCopies<T> {
  const own = [...specs].filter(([, spec]) => !isEmpty(spec));
  const kept: ReadonlyMap<string, T>[] = [];
  const freeAll = (copies: ReadonlyMap<string, T>) => {
    for (const tensor of copies.values()) free(tensor);
  };
  return {
    take(inputs) {
      const leaves = checkedLeaves(inputs, specs, 'input');
      const arrays = new Map([...leaves].map(([path, leaf]) => [path, numbersOf(leaf)] as const));
      const copies = kept.pop() ?? new Map(own.map(([path, spec]) => [path, make(spec)] as const));
      for (const [path, { data }] of copies) data.set(arrays.get(path)!);
      return copies;
    },
    giveBack(copies) {
      if (kept.length < MOST_KEPT) kept.push(copies);
      else freeAll(copies);
    },
    dispose() {
      for (const copies of kept.splice(0)) freeAll(copies);
    },
  };
}
