import { loadSafetensors, type NamedTensors } from '@beit/weights';

/**
 * Of two records of the same tensors: the largest difference of a number, relative to the largest number of its tensor.
 *
 * @param least what a smaller largest number counts as
 * @throws when they do not have the same names
 */
export function largestDifference(first: NamedTensors, second: NamedTensors, least = 1e-6): number {
  const [names, others] = [first, second].map((record) => Object.keys(record).sort().join(', '));
  if (names !== others) throw new Error(`The tensors ${names} are compared with ${others}.`);
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

/** Of two safetensors files. */
export async function largestFileDifference(first: string, second: string): Promise<number> {
  const [a, b] = await Promise.all(
    [first, second].map(async (path) => (await loadSafetensors(path)).tensors),
  );
  return largestDifference(a!, b!);
}
