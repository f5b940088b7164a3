import type { Random } from '@beit/random';

/** Draws one of a list that has some. */
export const oneOf = <T>(random: Random, list: readonly T[]): T => list[random.integer(0, list.length - 1)]!;
