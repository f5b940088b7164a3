import { compactNames } from './names';
import type { ImageSource } from './source';

/** Some of the images of a source, in this order; one may come more than once. */
export function subset(source: ImageSource, indices: ArrayLike<number>): ImageSource {
  const names = compactNames(Array.from(indices, (index) => source.names.at(index)!));
  if (source.kind === 'folder') return { ...source, names };
  if (source.kind === 'shards') {
    const chosen = (values: Int32Array) => Int32Array.from(indices, (index) => values[index]!);
    return { ...source, names, shardOf: chosen(source.shardOf), sampleOf: chosen(source.sampleOf) };
  }
  const bytes = source.size ** 2 * 4;
  const all = new Uint8Array(source.pixels);
  const pixels = new SharedArrayBuffer(indices.length * bytes);
  const into = new Uint8Array(pixels);
  for (let i = 0; i < indices.length; i++) {
    into.set(all.subarray(indices[i]! * bytes, (indices[i]! + 1) * bytes), i * bytes);
  }
  return { ...source, names, pixels };
}
