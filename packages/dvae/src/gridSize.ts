import { downsampling, type ResolvedDvaeConfig } from './dvaeConfig';

/**
 * Rows and columns of the tokens of an image.
 *
 * @param imageSize pixels: the side of a square, or [height, width]
 * @throws RangeError when a side is not a multiple of the downsampling
 */
export function gridSize(
  config: ResolvedDvaeConfig,
  imageSize: number | readonly [number, number],
): [rows: number, columns: number] {
  const factor = downsampling(config);
  const [height, width] = typeof imageSize === 'number' ? [imageSize, imageSize] : imageSize;
  for (const side of [height, width]) {
    if (!Number.isSafeInteger(side) || side < factor || side % factor !== 0) {
      throw new RangeError(
        `Images of ${height}x${width} pixels have no whole number of tokens; expected multiples of ${factor}.`,
      );
    }
  }
  return [height / factor, width / factor];
}
