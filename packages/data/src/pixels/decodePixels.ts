import { readFile } from 'node:fs/promises';
import { extname } from 'node:path';
import type { Sharp } from 'sharp';
import { decodeBmp, isBmp } from './decodeBmp';
import { decodeNetpbm, isNetpbm } from './decodeNetpbm';
import type { Pixels } from './pixels';

/** Larger images are refused before memory is taken for them. */
export const MOST_PIXELS = 100_000_000;

/** Names of files that sharp does not read. */
const OWN_EXTENSIONS = ['.bmp', '.dib', '.ppm', '.pgm', '.pbm', '.pnm'];

/**
 * Red, green, blue, and opacity where there is one, whether the file is gray or CMYK. Levels of 16 bits are scaled to 8,
 * unless none is above 255: then they are levels of 8 bits, as Pillow takes them, which cameras and microscopes write into
 * files of 16, and which would all become black.
 *
 * @param file a path, or what is in a file
 * @param options.upright whether a photograph is turned as its camera says. Default true
 * @throws when it can't be read or decoded, or has more than 100 million pixels
 */
export async function decodePixels(
  file: string | Buffer,
  { upright = true }: { readonly upright?: boolean } = {},
): Promise<Pixels> {
  const own = await decodedHere(file);
  if (own) return own;
  const opened = async (): Promise<Sharp> => {
    const { default: sharp } = await import('sharp');
    const image = sharp(file, { limitInputPixels: MOST_PIXELS });
    return upright ? image.rotate() : image;
  };
  const image = await opened();
  const { data, info } = await image.toColourspace('srgb').raw().toBuffer({ resolveWithObject: true });
  const channels = info.channels as number;
  if (channels !== 3 && channels !== 4) throw new Error(`decoded to ${channels} channels; expected 3 or 4`);
  const pixels: Pixels = { width: info.width, height: info.height, channels, data };
  if (!isBlack(pixels) || (await image.metadata()).depth !== 'ushort') return pixels;
  const deep = await (await opened()).toColourspace('rgb16').raw({ depth: 'ushort' }).toBuffer();
  const levels = new Uint16Array(deep.buffer, deep.byteOffset, deep.byteLength / 2);
  return { ...pixels, data: data.map((opacity, i) => (i % channels === 3 ? opacity : levels[i]!)) };
}

/** Whether all colours are, so that a look at what was lost is worth while. */
function isBlack({ data, channels }: Pixels): boolean {
  for (let i = 0; i < data.length; i++) if (data[i] !== 0 && i % channels !== 3) return false;
  return true;
}

/** What sharp does not read. */
async function decodedHere(file: string | Buffer): Promise<Pixels | undefined> {
  const isPath = typeof file === 'string';
  if (isPath && !OWN_EXTENSIONS.includes(extname(file).toLowerCase())) return undefined;
  const bytes = isPath ? await readFile(file) : file;
  if (isBmp(bytes)) return decodeBmp(bytes, MOST_PIXELS);
  if (isNetpbm(bytes)) return decodeNetpbm(bytes, MOST_PIXELS);
  return undefined;
}
