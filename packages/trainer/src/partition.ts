import { sizeOf } from '@beit/tensors';

/**
 * Which process of several keeps and updates which tensors: whole ones, the largest first, each to the process that has
 * least so far. ZeRO (Rajbhandari et al., arXiv 1910.02054) has equal ranges of all numbers laid end to end; whole tensors
 * keep their names and shapes, by which decay and learning rate are chosen and for which engines compile, and the
 * largest tensor of a transformer is a few hundredths of all: up to a dozen processes the parts are about equal.
 *
 * @returns names by rank; the same everywhere, whatever the order of the record
 * @throws RangeError when there are fewer tensors than processes
 */
export function partition(
  tensors: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  processes: number,
): string[][] {
  const sizes = Object.entries(tensors).map(([name, { shape }]) => ({ name, size: sizeOf(shape) }));
  if (sizes.length < processes)
    throw new RangeError(
      `${sizes.length} tensors cannot be shared by ${processes} processes. Take fewer, or let each keep all of the state.`,
    );
  const parts = Array.from({ length: processes }, () => ({ names: [] as string[], size: 0 }));
  for (const { name, size } of sizes.sort((a, b) => b.size - a.size || (a.name < b.name ? -1 : 1))) {
    const least = parts.reduce((one, other) => (other.size < one.size ? other : one));
    least.names.push(name);
    least.size += size;
  }
  return parts.map(({ names }) => names);
}

/** What the process of a rank keeps of a record of tensors: its part, and what is nobody's. */
export function shardOf<T>(
  tensors: Readonly<Record<string, T>>,
  parts: readonly (readonly string[])[],
  rank: number,
): Record<string, T> {
  const others = new Set(parts.filter((_, other) => other !== rank).flat());
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => !others.has(name)));
}
