import { loadSafetensors } from '@beit/weights';

/** Of two files with the same tensors: the largest difference of a number, relative to the largest number of its tensor. */
export async function largestDifference(first: string, second: string): Promise<number> {
  const [a, b] = await Promise.all(
    [first, second].map(async (path) => (await loadSafetensors(path)).tensors),
  );
  return Object.entries(a!).reduce((largest, [name, { data }]) => {
    const scale = data.reduce((most: number, x: number) => Math.max(most, Math.abs(x)), 1e-6);
    const other = b![name]!.data;
    return data.reduce(
      (most: number, x: number, i: number) => Math.max(most, Math.abs(x - other[i]!) / scale),
      largest,
    );
  }, 0);
}
