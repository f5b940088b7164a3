import { join } from 'node:path';
import { decodePixels } from '../pixels/decodePixels';
import type { Pixels } from '../pixels/pixels';
import { readShardImage } from '../shards/readShardImage';
import type { ImageSource } from '../sources/source';

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
