import { join } from 'node:path';
import type { Sharp } from 'sharp';
import type { Pixels } from './pixels';
import { readShardImage } from './shards/readShardImage';
import type { ImageSource } from './source';

/** Larger images are refused before memory is taken for them. */
export const MOST_PIXELS = 100_000_000;

/** What decodes a file to red, green and blue, whether it is gray or CMYK, and perhaps opacity. */
export async function openImage(file: string | Buffer, upright: boolean): Promise<Sharp> {
  const { default: sharp } = await import('sharp');
  const image = sharp(file, { limitInputPixels: MOST_PIXELS });
  return (upright ? image.rotate() : image).toColourspace('srgb');
}

/**
 * One image of a source.
 *
 * @param options.upright whether a photograph is turned as its camera says. Default true
 * @throws when a file can't be read or decoded, or has more than 100 million pixels; ShardError when its shard can't be read
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
  return decodePixels(
    source.kind === 'folder'
      ? join(source.directory, source.names.at(index)!)
      : await readShardImage(source, index),
    { upright },
  );
}

/** @param file a path, or what is in a file. @throws as `readPixels` */
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
