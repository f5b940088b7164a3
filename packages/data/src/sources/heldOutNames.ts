import { createRandom } from '@beit/random';

export interface HeldOutOptions {
  /** Share of each class that is held out. Default 0.2. */
  readonly validationShare?: number;
  /** Seed of that split. Default 0. */
  readonly seed?: number;
}

/**
 * A share of every group, drawn by the names alone.
 *
 * @param groups that of each name
 * @param least so many of each group at least
 * @throws RangeError when the share is no share
 */
export function heldOutNames(
  names: readonly string[],
  groups: readonly string[],
  { validationShare: share = 0.2, seed = 0 }: HeldOutOptions,
  least = 1,
): (name: string) => boolean {
  if (!(share > 0 && share < 1)) {
    throw new RangeError(`validationShare is ${share}; expected a number between 0 and 1.`);
  }
  const byGroup = new Map<string, string[]>();
  for (const [i, group] of groups.entries()) {
    const own = byGroup.get(group);
    if (own) own.push(names[i]!);
    else byGroup.set(group, [names[i]!]);
  }
  const heldOut = new Set<string>();
  for (const [group, own] of byGroup) {
    const count = Math.max(least, Math.round(share * own.length));
    const order = createRandom(seed, 'validation', group).permutation(own.length);
    for (const index of order.slice(0, count)) heldOut.add(own[index]!);
  }
  return (name) => heldOut.has(name);
}
