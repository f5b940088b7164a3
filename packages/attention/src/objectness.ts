import { rocAuc } from './rocAuc';

/** How well the attention of patches on an object stays on it. */
export interface Objectness {
  /** Area under the ROC curve of "the same object", by the attention; the mean over the object's patches. */
  readonly auc: number;
  /** Share of the attention's mass that lies on the object; the mean over its patches. */
  readonly mass: number;
  /** Share of the grid that the object takes: the mass of attention that looks nowhere in particular. */
  readonly area: number;
}

/**
 * The patch that asks is left out of its own map: that a patch attends to itself is no merit.
 *
 * @param mapOf the attention of a patch to all patches, `[patches]`, by its index in row-major order
 * @param object 1 for the patches of the object, `[patches]`
 * @returns undefined when the object has fewer than two patches, or all of them
 */
export function objectness(
  mapOf: (patch: number) => ArrayLike<number>,
  object: ArrayLike<number>,
): Objectness | undefined {
  const patches = Array.from(object, (_, i) => i);
  const own = patches.filter((i) => object[i]);
  if (own.length < 2 || own.length === patches.length) return undefined;
  let [auc, mass] = [0, 0];
  for (const query of own) {
    const map = mapOf(query);
    const others = patches.filter((i) => i !== query);
    auc += rocAuc(
      others.map((i) => map[i]!),
      others.map((i) => object[i]!),
    );
    const sumOf = (some: readonly number[]) => some.reduce((sum, i) => sum + map[i]!, 0);
    const whole = sumOf(others);
    mass += whole > 0 ? sumOf(others.filter((i) => object[i])) / whole : 0;
  }
  return {
    auc: auc / own.length,
    mass: mass / own.length,
    area: (own.length - 1) / (patches.length - 1),
  };
}
