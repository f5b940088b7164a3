import { loadSafetensors } from '@beit/weights';

/** Of two files with the same tensors: the largest difference of a number, relative to the largest number of its tensor. */
export async function largestDifference(first: string, second: string): Promise<number> {
  const [a, b] = await Promise.all(
    [first, second].map(async (path) => (await loadSafetensors(path)).tensors),
  );
  return Object.entries(a!).reduce((largest, [name, tensor]) => {
    const [own, other] = [tensor, b![name]!].map(({ data }) => data as Float32Array) as [
      Float32Array,
      Float32Array,
    ];
    const scale = own.reduce((most, x) => Math.max(most, Math.abs(x)), 1e-6);
    return own.reduce((most, x, i) => Math.max(most, Math.abs(x - other[i]!) / scale), largest);
  }, 0);
}
