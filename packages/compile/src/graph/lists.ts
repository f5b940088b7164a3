/** Lists and maps of which it is known what they hold. */

/** As many of another type. */
export type Each<L extends readonly unknown[], T> = { readonly [I in keyof L]: T };

/** `map` that knows how many come out: as many as went in. */
export const mapEach = <L extends readonly unknown[], T>(
  list: L,
  f: (item: L[number], i: number) => T,
): Each<L, T> =>
  // `map` is typed for lists of any length.
  list.map(f) as readonly T[] as Each<L, T>;

/** As `mapEach`, where every item gives something; `undefined` where one does not. */
export function mapIfAll<L extends readonly unknown[], T>(
  list: L,
  f: (item: L[number], i: number) => T | undefined,
): Each<L, T> | undefined {
  const items: T[] = [];
  for (const [i, item] of list.entries()) {
    const made = f(item, i);
    if (made === undefined) return undefined;
    items.push(made);
  }
  return mapEach(list, (_, i) => at(items, i));
}

/** The item at a place that there is, counted from the end where it is negative. @throws RangeError where there is none */
export function at<T>(list: ArrayLike<T | undefined>, place: number): T {
  const item = list[place < 0 ? place + list.length : place];
  if (item === undefined) throw new RangeError(`There is no item ${place} in a list of ${list.length}.`);
  return item;
}

/** What a map holds for a key that it has. @throws RangeError where it has none */
export function get<K, V>(map: ReadonlyMap<K, V>, key: K): V {
  const value = map.get(key);
  if (value === undefined) throw new RangeError(`Nothing is known of '${key}'.`);
  return value;
}

interface Tuples<T> {
  1: readonly [T];
  2: readonly [T, T];
  3: readonly [T, T, T];
  4: readonly [T, T, T, T];
}

/** A list of which it is known how long it is. @throws RangeError where it is not so long */
export function ofLength<T, N extends keyof Tuples<T>>(list: readonly T[], length: N): Tuples<T>[N] {
  const fits = (items: readonly T[]): items is Tuples<T>[N] & readonly T[] => items.length === length;
  if (!fits(list)) throw new RangeError(`Expected a list of ${length}, not of ${list.length}.`);
  return list;
}
