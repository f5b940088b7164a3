import type { GridSize } from './layerAttention';
import { rocAuc } from './rocAuc';

/** How well the attention of patches on an object stays on it; means over its patches. */
export interface Objectness {
  /** Area under the ROC curve of "the same object", by the attention. */
  readonly auc: number;
  /**
   * The same for pairs of patches that are equally far from the one that asks: 0.5 for attention that only knows distances,
   * which has a high `auc`, because what is near is often of the same object. NaN where there are no such pairs.
   */
  readonly aucAtEqualDistance: number;
  /** Share of the attention's mass that lies on the object. */
  readonly mass: number;
  /** Share of the grid that the object takes: the mass of attention that looks nowhere in particular. */
  readonly area: number;
}

/**
 * The patch that asks is left out of its own map: that a patch attends to itself is no merit.
 *
 * @param mapOf the attention of a patch to all patches, `[rows * columns]`, by its index in row-major order
 * @param object 1 for the patches of the object, `[rows * columns]`
 * @returns undefined when the object has fewer than two patches, or all of them
 * @throws RangeError when the object is not of the grid
 */
export function objectness(
  mapOf: (patch: number) => ArrayLike<number>,
  object: ArrayLike<number>,
  [rows, columns]: GridSize,
): Objectness | undefined {
  if (object.length !== rows * columns)
    throw new RangeError(`The object has ${object.length} patches; expected ${rows}x${columns}.`);
  const patches = Array.from(object, (_, i) => i);
  const own = patches.filter((i) => object[i]);
  if (own.length < 2 || own.length === patches.length) return undefined;
  const all = own.map((query) => {
    const map = mapOf(query);
    const others = patches.filter((i) => i !== query);
    const aucOf = (some: readonly number[]) =>
      rocAuc(
        some.map((i) => map[i]!),
        some.map((i) => object[i]!),
      );
    const sumOf = (some: readonly number[]) => some.reduce((sum, i) => sum + map[i]!, 0);
    const whole = sumOf(others);
    return {
      auc: aucOf(others),
      aucAtEqualDistance: meanOverPairs(
        atEqualDistance(query, others, columns).map((some) => ({
          auc: aucOf(some),
          pairs: pairsOf(some, object),
        })),
      ),
      mass: whole > 0 ? sumOf(others.filter((i) => object[i])) / whole : 0,
    };
  });
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const stratified = all.map(({ aucAtEqualDistance }) => aucAtEqualDistance).filter((x) => !Number.isNaN(x));
  return {
    auc: mean(all.map(({ auc }) => auc)),
    aucAtEqualDistance: mean(stratified),
    mass: mean(all.map(({ mass }) => mass)),
    area: (own.length - 1) / (patches.length - 1),
  };
}

/** Patches in groups by their distance from one. */
function atEqualDistance(query: number, others: readonly number[], columns: number): number[][] {
  const groups = new Map<number, number[]>();
  for (const i of others) {
    const down = Math.floor(i / columns) - Math.floor(query / columns);
    const across = (i % columns) - (query % columns);
    const distance = down ** 2 + across ** 2;
    groups.set(distance, [...(groups.get(distance) ?? []), i]);
  }
  return [...groups.values()];
}

/** How many pairs there are of a patch on the object and one that is not. */
function pairsOf(some: readonly number[], object: ArrayLike<number>): number {
  const on = some.filter((i) => object[i]).length;
  return on * (some.length - on);
}

function meanOverPairs(groups: readonly { readonly auc: number; readonly pairs: number }[]): number {
  const counted = groups.filter(({ pairs }) => pairs > 0);
  const pairs = counted.reduce((sum, group) => sum + group.pairs, 0);
  return counted.reduce((sum, group) => sum + group.auc * group.pairs, 0) / pairs;
}
