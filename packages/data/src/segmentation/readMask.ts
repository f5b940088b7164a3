import type { Sharp, SharpOptions } from 'sharp';
import { readRegular } from '../files/regularFile';
import { assertSize, MOST_PIXELS } from '../pixels/assertSize';
import { pixelBytesOf } from '../pixels/decodePixels';
import { indexedAsGray, pngHeader } from './pngIndices';
import { isTiff, tiffColor } from './tiffColor';

/** Larger files are not read. */
const MOST_BYTES = 2 ** 26;

/** What is in a mask's file. */
export interface Mask {
  readonly width: number;
  readonly height: number;
  /** `[height, width]`: gray levels or palette indices. */
  readonly numbers: Uint8Array | Uint16Array;
}

/** A mask that is a picture in colors, of which nobody has said which classes they are. */
export class ColorMaskError extends Error {}

/** @throws Error when it is no regular file, may not be read, or is too large */
export const readMaskFile = (path: string): Promise<Buffer> => readRegular(path, MOST_BYTES);

/** A profile or a gamma would change numbers. */
export const MASK_OPTIONS: SharpOptions = { limitInputPixels: MOST_PIXELS, ignoreIcc: true };

/**
 * The numbers of a mask: a PNG file, gray of up to 16 bits or with a palette, or a TIFF file, gray of 1, 2, 4, 8 or 16 bits,
 * upright as its Orientation says, and as Pillow has it.
 *
 * @throws ColorMaskError when it is a picture in colors
 * @throws Error when the file is something else, is damaged or too large
 */
export async function readMask(path: string): Promise<Mask> {
  const file = await readMaskFile(path);
  return isTiff(file) ? readTiff(file) : readPng(file);
}

async function readPng(file: Buffer): Promise<Mask> {
  const { width, height, bitDepth, color } = pngHeader(file);
  assertSize({ width, height });
  if (color !== 'gray' && color !== 'palette')
    throw new ColorMaskError(
      `a PNG file of kind '${color}' with ${bitDepth} bits; expected classes as gray levels or palette indices`,
    );
  const { default: sharp } = await import('sharp');
  return decoded(sharp(indexedAsGray(file), MASK_OPTIONS), bitDepth);
}

async function readTiff(file: Buffer): Promise<Mask> {
  const color = tiffColor(file);
  const { default: sharp } = await import('sharp');
  const image = sharp(file, MASK_OPTIONS);
  const header = await image.metadata();
  const { channels, depth, bitsPerSample = 0, pages = 1 } = header;
  if (color === 'rgb') throw new ColorMaskError(`a TIFF file of kind 'rgb'; expected classes as gray levels`);
  if (color !== 'gray' || channels !== 1 || pages !== 1)
    throw new Error(
      `a TIFF file of kind '${color}' with ${channels} channels and ${pages} pages; expected one of gray levels`,
    );
  if ((depth !== 'uchar' && depth !== 'ushort') || ![1, 2, 4, 8, 16].includes(bitsPerSample))
    throw new Error(
      `a TIFF file of numbers of the type ${depth}, ${bitsPerSample} bits; expected 1, 2, 4, 8 or 16 bits without a sign`,
    );
  assertSize({ ...header, pixelBytes: pixelBytesOf(header) });
  return decoded(image.autoOrient(), bitsPerSample);
}

async function decoded(image: Sharp, bitDepth: number): Promise<Mask> {
  const channel = image.extractChannel(0);
  const raw =
    bitDepth === 16
      ? channel.toColourspace('grey16').raw({ depth: 'ushort' })
      : channel.toColourspace('b-w').raw();
  const { data, info } = await raw.toBuffer({ resolveWithObject: true });
  const { width, height, channels } = info;
  if (channels !== 1) throw new Error(`decoded to ${channels} channels; expected one`);
  if (bitDepth === 16)
    return {
      width,
      height,
      numbers: new Uint16Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.length)),
    };
  // Fewer bits are spread over 0 to 255 when they are decoded.
  const step = 255 / (2 ** bitDepth - 1);
  return { width, height, numbers: step === 1 ? data : data.map((value) => value / step) };
}
