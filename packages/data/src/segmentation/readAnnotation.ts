import { readFile, stat } from 'node:fs/promises';
import { MOST_PIXELS } from '../pixels/decodePixels';
import { indexedAsGray, pngHeader } from './pngIndices';

/** The label of pixels that belong to no class. */
export const IGNORE_INDEX = 255;
/** Larger files are not read. */
const MOST_BYTES = 2 ** 26;

/** Classes of the pixels of an image. */
export interface Annotation {
  readonly width: number;
  readonly height: number;
  /** `[height, width]`: a class, or 255. */
  readonly labels: Uint8Array;
}

export interface AnnotationOptions {
  readonly numClasses: number;
  /**
   * Whether 0 in the file means no class and 1 the first one, as in ADE20K, where mmsegmentation calls it
   * `reduce_zero_label`. Otherwise 0 is the first class. 255 means no class in any case.
   */
  readonly reduceZeroLabel: boolean;
}

/**
 * An annotation: a PNG file of 8 bits a pixel or fewer, gray or with a palette, whose numbers are classes.
 *
 * @throws when the file is something else, is damaged or too large, or has a number that is no class
 */
export async function readAnnotation(
  path: string,
  { numClasses, reduceZeroLabel }: AnnotationOptions,
): Promise<Annotation> {
  const info = await stat(path);
  if (!info.isFile() || info.size > MOST_BYTES)
    throw new Error(`expected a file of at most ${MOST_BYTES} bytes`);
  const file = await readFile(path);
  const { width, height, bitDepth, color } = pngHeader(file);
  if (width * height > MOST_PIXELS) throw new Error(`${width}x${height} are more than ${MOST_PIXELS} pixels`);
  if (bitDepth > 8 || (color !== 'gray' && color !== 'palette')) {
    throw new Error(
      `a PNG file of kind '${color}' with ${bitDepth} bits; expected classes as 8-bit gray levels or palette indices`,
    );
  }
  const { default: sharp } = await import('sharp');
  const gray = color === 'palette' ? indexedAsGray(file) : file;
  const { data, info: decoded } = await sharp(gray, { limitInputPixels: MOST_PIXELS })
    .extractChannel(0)
    .raw()
    .toBuffer({ resolveWithObject: true });
  if (decoded.channels !== 1) throw new Error(`decoded to ${decoded.channels} channels; expected one`);
  // Fewer bits are spread over 0 to 255 when they are decoded.
  const step = 255 / (2 ** bitDepth - 1);
  const labels = new Uint8Array(width * height);
  const first = reduceZeroLabel ? 1 : 0;
  for (let i = 0; i < labels.length; i++) {
    const value = data[i]! / step;
    const label = value === IGNORE_INDEX || value < first ? IGNORE_INDEX : value - first;
    if (label !== IGNORE_INDEX && label >= numClasses) {
      const [x, y] = [i % width, Math.floor(i / width)];
      throw new Error(
        `the pixel in column ${x}, row ${y} is ${value}; expected ${reduceZeroLabel ? '0 for none, ' : ''}${first} to ${numClasses - 1 + first}, or ${IGNORE_INDEX}`,
      );
    }
    labels[i] = label;
  }
  return { width, height, labels };
}
