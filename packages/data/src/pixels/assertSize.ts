/** Larger images are refused before memory is taken for them. */
export const MOST_PIXELS = 100_000_000;
/** A decoder works by rows, or by columns of blocks; one of 100 million pixels takes gigabytes, or minutes. */
const MOST_SIDE = 2 ** 17;
const MOST_BYTES = 2 ** 29;

/** How large an image is once it is decoded, as its header says. */
export interface DecodedSize {
  /** Pixels. */
  readonly width: number;
  readonly height: number;
  /** Bytes that a decoder makes of a pixel. Default 1. */
  readonly pixelBytes?: number;
}

/** @throws RangeError when it has more than 100 million pixels, a side of more than 131,072, or takes more than 512 MiB */
export function assertSize({ width, height, pixelBytes = 1 }: DecodedSize): void {
  const size = `${width}x${height} pixels`;
  if (width * height > MOST_PIXELS)
    throw new RangeError(`${size} are more than the limit of ${MOST_PIXELS}; make the image smaller`);
  if (Math.max(width, height) > MOST_SIDE)
    throw new RangeError(`${size} are more on a side than the limit of ${MOST_SIDE}; cut the image up`);
  if (width * height * pixelBytes > MOST_BYTES)
    throw new RangeError(
      `${size} of ${pixelBytes} bytes take more than the limit of ${MOST_BYTES} bytes; make the image smaller, or of 8 bits`,
    );
}
