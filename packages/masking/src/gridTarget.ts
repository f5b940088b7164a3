/** How large the grid is and how much of it to mask; give one of `numMaskingPatches` and `maskRatio`. */
export interface GridTarget {
  /** Patch grid, [rows, columns] or the side of a square one. BEiT at 224 pixels: 14. */
  readonly gridSize: number | readonly [rows: number, columns: number];
  /** Patches to mask. BEiT: 75 of 196. */
  readonly numMaskingPatches?: number;
  /** The same as a share of all patches, in (0, 1], rounded to the nearest patch. BEiT: about 0.4. */
  readonly maskRatio?: number;
}

// 4096 x 4096 patches; larger grids come from a mistaken unit (pixels), and would take gigabytes in a batch.
const MAX_CELLS = 2 ** 24;

/**
 * The grid and the number of patches to mask.
 *
 * @throws RangeError for anything that cannot be a grid or a target in it, and for an empty target.
 */
export function resolveGridTarget(target: GridTarget): { rows: number; columns: number; count: number } {
  const { gridSize, numMaskingPatches, maskRatio } = target;
  const [rows, columns] = typeof gridSize === 'number' ? [gridSize, gridSize] : gridSize;
  for (const side of [rows, columns]) {
    if (!Number.isInteger(side) || side < 1) {
      throw new RangeError(
        `gridSize ${JSON.stringify(gridSize)} is not a grid: give whole numbers of patches, such as [14, 14].`,
      );
    }
  }
  const cells = rows * columns;
  if (cells > MAX_CELLS) {
    throw new RangeError(`gridSize [${rows}, ${columns}] has ${cells} patches; give at most ${MAX_CELLS}.`);
  }
  if ((numMaskingPatches === undefined) === (maskRatio === undefined)) {
    throw new RangeError(
      numMaskingPatches === undefined
        ? 'Nothing says how many patches to mask: give numMaskingPatches (BEiT: 75 of 196) or maskRatio.'
        : `numMaskingPatches ${numMaskingPatches} and maskRatio ${maskRatio} are both given: drop one.`,
    );
  }
  if (maskRatio !== undefined && !(maskRatio > 0 && maskRatio <= 1)) {
    throw new RangeError(`maskRatio ${maskRatio} is not a share of patches: give a number above 0, up to 1.`);
  }
  const count = numMaskingPatches ?? Math.round(maskRatio! * cells);
  if (maskRatio !== undefined && count === 0) {
    throw new RangeError(
      `maskRatio ${maskRatio} of ${cells} patches is less than half a patch, so every mask would be empty ` +
        `(and the loss 0/0): raise it to at least ${1 / cells}.`,
    );
  }
  if (!Number.isInteger(count) || count < 1 || count > cells) {
    throw new RangeError(
      `numMaskingPatches ${count} is not possible in a grid of ${cells} patches: ` +
        `give a whole number from 1 to ${cells}.`,
    );
  }
  return { rows, columns, count };
}
