import type { Sharp } from 'sharp';
import type { Pixels } from './pixels';

/** Larger images are refused before memory is taken for them. */
export const MOST_PIXELS = 100_000_000;

/** What decodes a file to red, green and blue, whether it is gray or CMYK, and perhaps opacity. */
export async function openImage(file: string | Buffer, upright: boolean): Promise<Sharp> {
  const { default: sharp } = await import('sharp');
  const image = sharp(file, { limitInputPixels: MOST_PIXELS });
  return (upright ? image.rotate() : image).toColourspace('srgb');
}

/**
 * @param file a path, or what is in a file
 * @param options.upright whether a photograph is turned as its camera says. Default true
 * @throws when it can't be read or decoded, or has more than 100 million pixels
 */
export async function decodePixels(
  file: string | Buffer,
  { upright = true }: { readonly upright?: boolean } = {},
): Promise<Pixels> {
  const image = await openImage(file, upright);
  const { data, info } = await image.raw().toBuffer({ resolveWithObject: true });
  const channels = info.channels as number;
  if (channels === 3 || channels === 4) return { width: info.width, height: info.height, channels, data };
  throw new Error(`decoded to ${channels} channels; expected 3 or 4`);
}
