/** Pixels along a side: no picture that is read is larger, and none is resized to more. */
export const MOST_PIXELS = 16_384;

/** Of an image, in pixels: the side of a square, or [height, width]. */
export type ImageSize = number | readonly [height: number, width: number];

/** @returns [height, width], pixels */
export const imageSides = (size: ImageSize): readonly [height: number, width: number] =>
  typeof size === 'number' ? [size, size] : size;

/** A square by its side alone, as most files write it. */
export const shortSize = ([height, width]: readonly [number, number]): ImageSize =>
  height === width ? height : [height, width];

/** Whether both are of the same pixels: 224 is [224, 224]. */
export function isSameSize(a: ImageSize, b: ImageSize): boolean {
  const [[height, width], [otherHeight, otherWidth]] = [imageSides(a), imageSides(b)];
  return height === otherHeight && width === otherWidth;
}

/** For people, width first as everybody writes it: `224x224`. */
export function describeSize(size: ImageSize): string {
  const [height, width] = imageSides(size);
  return `${width}x${height}`;
}
