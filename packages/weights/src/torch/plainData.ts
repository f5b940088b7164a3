import type { JsonObject } from '../checkpoint/readJson';
import type { PickleMap, PickleValue } from './pickleValue';

/** Values that are copied; 150 classes with their colours are 750. */
const MAX_VALUES = 2 ** 18;
const MAX_DEPTH = 32;

/**
 * What a dict of a pickle has that JSON has too: texts, numbers, truths, nothing, lists and dicts under names. Anything
 * else, such as arrays of NumPy, is left out, or null in a list.
 *
 * @throws Error when that is too much, or too deep
 */
export function plainData(dict: PickleMap): JsonObject {
  let count = 0;
  const objectOf = (value: PickleMap, depth: number): JsonObject => {
    const out: Record<string, unknown> = Object.create(null);
    for (const [name, item] of value) {
      const plain = typeof name === 'string' ? plainOf(item, depth + 1) : undefined;
      if (plain !== undefined) out[name as string] = plain;
    }
    return out;
  };
  const plainOf = (value: PickleValue, depth: number): unknown => {
    if (++count > MAX_VALUES || depth > MAX_DEPTH)
      throw new Error(
        `its description has more than ${MAX_VALUES} values, or more than ${MAX_DEPTH} levels.`,
      );
    if (value === null || typeof value !== 'object') return typeof value === 'bigint' ? undefined : value;
    if (Array.isArray(value)) return value.map((item) => plainOf(item, depth + 1) ?? null);
    return value instanceof Map ? objectOf(value, depth) : undefined;
  };
  return objectOf(dict, 0);
}
