import type { Random } from '@beit/random';

/** A number of a range, which may be a single one. */
export const between = ([from, to]: readonly [number, number], random: Pick<Random, 'uniform'>): number =>
  from === to ? from : random.uniform(from, to);
