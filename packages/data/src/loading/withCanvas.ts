import { join } from 'node:path';
import { readRegularSync } from '../files/regularFile';
import { type Canvas, createCanvas } from '../pixels/canvas';
import { decodeJpeg } from '../pixels/decodeJpeg';
import { decodePixels, MOST_FILE_BYTES } from '../pixels/decodePixels';
import { readShardImage } from '../shards/readShardImage';
import type { ImageSource } from '../sources/source';
import { readPixels } from './readPixels';

/**
 * Calls `use` with one image of a source on a canvas, which is there for that call alone.
 *
 * @throws what `readPixels` throws, and `use`
 */
export async function withCanvas<T>(
  source: ImageSource,
  index: number,
  use: (canvas: Canvas) => T,
): Promise<T> {
  if (source.kind === 'shards') {
    const file = await readShardImage(source, index);
    return use(decodeJpeg(file) ?? createCanvas(await decodePixels(file)));
  }
  const path = source.kind === 'folder' ? join(source.directory, source.names.at(index)!) : undefined;
  if (path === undefined || !/\.(jpe?g|jpe|jfif|pjpe?g|pjp)$/i.test(path))
    return use(createCanvas(await readPixels(source, index)));
  // Decoding takes this thread anyway, and reading without waiting would cost as much again.
  const file = readRegularSync(path, MOST_FILE_BYTES);
  return use(decodeJpeg(file) ?? createCanvas(await decodePixels(file)));
}
