import type { NamedTensors } from '@beit/tensors';
import { loadSafetensors } from '@beit/weights';

/**
 * The largest difference of a number in two records of the same tensors, relative to the largest number of its tensor.
 *
 * @param least what a smaller largest number counts as
 * @throws when they do not have the same names
 */
export function largestDifference(first: NamedTensors, second: NamedTensors, least = 1e-6): number {
  assertSameNames(first, second);
  return Object.entries(first).reduce((largest, [name, { data: own }]) => {
    const { data: other } = second[name]!;
    let [scale, difference] = [least, 0];
    for (let i = 0; i < own.length; i++) {
      scale = Math.max(scale, Math.abs(own[i]!));
      difference = Math.max(difference, Math.abs(own[i]! - other[i]!));
    }
    return Math.max(largest, difference / scale);
  }, 0);
}

/** The norm of all differences from `first` relative to its norm, its tensors taken as one vector; `second` may have more. */
export function normOfDifference(first: NamedTensors, second: NamedTensors): number {
  let [differences, squares] = [0, 0];
  for (const [name, { data: own }] of Object.entries(first)) {
    const { data: other } = second[name]!;
    for (let i = 0; i < own.length; i++) {
      differences += (own[i]! - other[i]!) ** 2;
      squares += own[i]! ** 2;
    }
  }
  return Math.sqrt(differences / squares);
}

/** The largest difference of two safetensors files. */
export const largestFileDifference = async (first: string, second: string): Promise<number> =>
  largestDifference(await tensorsOf(first), await tensorsOf(second));

/** The norm of the difference of two safetensors files. @throws when they do not have the same names */
export async function normOfFileDifference(first: string, second: string): Promise<number> {
  const [a, b] = [await tensorsOf(first), await tensorsOf(second)];
  assertSameNames(a, b);
  return normOfDifference(a, b);
}

const tensorsOf = async (path: string): Promise<NamedTensors> => (await loadSafetensors(path)).tensors;

function assertSameNames(first: NamedTensors, second: NamedTensors): void {
  const [names, others] = [first, second].map((record) => Object.keys(record).sort().join(', '));
  if (names !== others) throw new Error(`The tensors ${names} are compared with ${others}.`);
}
