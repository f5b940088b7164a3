import type { Picture } from '@beit/apps-shared/report';

export interface PatchErrors {
  /** Row-major. */
  readonly patch: number;
  /** Mean squared error over the sub-pixels of the patch. */
  readonly mse: number;
  /** The same of the mean colour of all visible patches: the best that is known without a model of what is hidden. */
  readonly meanColorMse: number;
}

/**
 * How far predicted patches are from what was masked.
 *
 * @param actual the whole picture, of which the visible patches give the mean colour
 * @param predicted of the same size; only its masked patches count
 * @param mask `[rows * columns]`, 1 = masked
 * @returns one for each masked patch
 */
export function patchErrors(
  actual: Picture,
  predicted: Picture,
  mask: Uint8Array,
  [rows, columns]: readonly [number, number],
): PatchErrors[] {
  const { width, height } = actual;
  const [patchHeight, patchWidth] = [height / rows, width / columns];
  const subpixels = 3 * patchHeight * patchWidth;
  const patchOf = (i: number) => {
    const pixel = Math.floor(i / 3);
    const row = Math.floor(Math.floor(pixel / width) / patchHeight);
    return row * columns + Math.floor((pixel % width) / patchWidth);
  };
  const visible = mask.filter((masked) => masked === 0).length;
  const meanColor = [0, 0, 0];
  actual.data.forEach((x, i) => {
    if (mask[patchOf(i)] === 0) meanColor[i % 3]! += x / (visible * patchHeight * patchWidth);
  });
  const sums = Array.from(mask, () => ({ mse: 0, meanColorMse: 0 }));
  actual.data.forEach((x, i) => {
    const sum = sums[patchOf(i)]!;
    sum.mse += (predicted.data[i]! - x) ** 2 / subpixels;
    sum.meanColorMse += (meanColor[i % 3]! - x) ** 2 / subpixels;
  });
  return sums.flatMap((sum, patch) => (mask[patch] === 1 ? [{ patch, ...sum }] : []));
}

/** Mean squared error of pixels in [0, 1] as a peak signal-to-noise ratio, dB. */
export const decibels = (meanSquaredError: number): number => -10 * Math.log10(meanSquaredError);
