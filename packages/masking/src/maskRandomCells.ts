import type { UniformSource } from './maskGenerator';

/**
 * Masks `count` more cells of a mask, every choice of unmasked cells equally likely.
 *
 * One pass that takes a cell with probability (still needed) / (unmasked cells left): Knuth, "The Art of
 * Computer Programming" 3.4.2, Algorithm S.
 *
 * @throws RangeError when the source gives something else than numbers in [0, 1).
 */
export function maskRandomCells(mask: Uint8Array, count: number, source: UniformSource): void {
  if (count === 0) return;
  let left = mask.length;
  for (let cell = 0; cell < mask.length; cell++) left -= mask[cell]!;
  let needed = count;
  for (let cell = 0; needed > 0 && cell < mask.length; cell++) {
    if (mask[cell] === 1) continue;
    if (source.uniform() * left < needed) {
      mask[cell] = 1;
      needed--;
    }
    left--;
  }
  if (needed > 0)
    throw new RangeError('random.uniform() must return numbers in [0, 1), as Math.random does.');
}
