import { join } from 'node:path';
import type { Sharp } from 'sharp';
import type { Pixels } from './pixels';
import type { ImageSource } from './source';

/** Larger images are refused before memory is taken for them. */
export const MOST_PIXELS = 100_000_000;

/** What decodes a file to red, green and blue, whether it is gray or CMYK, and perhaps opacity. */
export async function openImage(path: string, upright: boolean): Promise<Sharp> {
  const { default: sharp } = await import('sharp');
  const image = sharp(path, { limitInputPixels: MOST_PIXELS });
  return (upright ? image.rotate() : image).toColourspace('srgb');
}

/**
 * One image of a source.
 *
 * @param options.upright whether a photograph is turned as its camera says. Default true
 * @throws when a file can't be read or decoded, or has more than 100 million pixels
 */
export async function readPixels(
  source: ImageSource,
  index: number,
  { upright = true }: { readonly upright?: boolean } = {},
): Promise<Pixels> {
  if (source.kind === 'memory') {
    const { size, pixels } = source;
    const bytes = size * size * 4;
    return { width: size, height: size, channels: 4, data: new Uint8Array(pixels, index * bytes, bytes) };
  }
  const image = await openImage(join(source.directory, source.names[index]!), upright);
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const channels = info.channels as number;
  if (channels === 3 || channels === 4) return { width: info.width, height: info.height, channels, data };
  throw new Error(`decoded to ${channels} channels; expected 3 or 4`);
}
