import type { Metadata, Sharp } from 'sharp';
import { readRegular } from '../files/regularFile';
import { assertSize, MOST_PIXELS } from './assertSize';
import { decodeBmp, isBmp } from './decodeBmp';
import { decodeNetpbm, isNetpbm } from './decodeNetpbm';
import type { Pixels } from './pixels';

/** Larger files are not read: 100 million pixels take fewer. */
export const MOST_FILE_BYTES = 2 ** 30;

/**
 * Red, green, blue, and opacity where there is one, whether the file is gray or CMYK. Levels of 16 bits are scaled to 8,
 * unless none is above 255: then they are levels of 8 bits, as Pillow takes them, which cameras and microscopes write into
 * files of 16, and which would all become black.
 *
 * @param file a path, or what is in a file
 * @param options.upright whether a photograph is turned as its camera says. Default true
 * @throws when it is no regular file, can't be read or decoded, or is too large, see `assertSize`
 */
export async function decodePixels(
  file: string | Buffer,
  { upright = true }: { readonly upright?: boolean } = {},
): Promise<Pixels> {
  const bytes = typeof file === 'string' ? await readRegular(file, MOST_FILE_BYTES) : file;
  // What sharp does not read.
  if (isBmp(bytes)) return decodeBmp(bytes);
  if (isNetpbm(bytes)) return decodeNetpbm(bytes);
  const opened = async (): Promise<Sharp> => {
    const { default: sharp } = await import('sharp');
    const image = sharp(bytes, { limitInputPixels: MOST_PIXELS });
    return upright ? image.rotate() : image;
  };
  const image = await opened();
  const header = await image.metadata();
  assertSize({ width: header.width, height: header.height, pixelBytes: pixelBytesOf(header) });
  const { data, info } = await image.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const channels = info.channels as number;
  if (channels !== 3 && channels !== 4) throw new Error(`decoded to ${channels} channels; expected 3 or 4`);
  const pixels: Pixels = { width: info.width, height: info.height, channels, data };
  if (header.depth !== 'ushort' || !isBlack(pixels)) return pixels;
  // Moved to the upper eight bits, which are those that are kept: 16 bits of all pixels are never in memory.
  const levels = await (await opened())
    .pipelineColourspace('rgb16')
    .linear(256, 0)
    .toColourspace('srgb')
    .raw()
    .toBuffer();
  return { ...pixels, data: levels };
}

/** Bytes of a sample, by the names of libvips. */
const SAMPLE_BYTES: Readonly<Record<string, number>> = {
  char: 1,
  uchar: 1,
  short: 2,
  ushort: 2,
  int: 4,
  uint: 4,
  float: 4,
  complex: 8,
  double: 8,
  dpcomplex: 16,
};

/** Of a file as it is stored; gray becomes three colours. */
export const pixelBytesOf = ({ channels, depth }: Pick<Metadata, 'channels' | 'depth'>): number =>
  Math.max(channels, 3) * (SAMPLE_BYTES[depth] ?? 16);

/** Whether all colours are, so that a look at what was lost is worth while. */
function isBlack({ data, channels }: Pixels): boolean {
  for (let i = 0; i < data.length; i++) if (data[i] !== 0 && i % channels !== 3) return false;
  return true;
}
