import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type Canvas, createCanvas } from '../pixels/canvas';
import { decodeJpeg } from '../pixels/decodeJpeg';
import { decodePixels } from '../pixels/decodePixels';
import { readShardImage } from '../shards/readShardImage';
import type { ImageSource } from '../sources/source';
import { readPixels } from './readPixels';

/** Larger files are not read as a whole. */
const MOST_BYTES = 2 ** 26;

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
  const jpeg =
    source.kind === 'folder' ? readJpeg(join(source.directory, source.names.at(index)!)) : undefined;
  return use(jpeg ?? createCanvas(await readPixels(source, index)));
}

/** Decoding takes this thread anyway, and reading without waiting would cost as much again. */
function readJpeg(path: string): Canvas | undefined {
  if (!/\.(jpe?g|jpe|jfif|pjpe?g|pjp)$/i.test(path)) return undefined;
  const info = statSync(path, { throwIfNoEntry: false });
  return info?.isFile() && info.size <= MOST_BYTES ? decodeJpeg(readFileSync(path)) : undefined;
}
