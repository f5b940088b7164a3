import { extname, join } from 'node:path';
import type { ImageSource } from './source';

/** Files that can have 16 bits a channel. */
const DEEP = ['.png', '.tif', '.tiff'];

/**
 * How many images of a folder have 16 bits a channel, of which a decoder makes 8 (`readPixels`): a look at the headers of
 * some, evenly spread. Of other sources none is looked at.
 */
export async function countDeep(
  source: ImageSource,
  most = 64,
): Promise<{ readonly looked: number; readonly deep: number }> {
  if (source.kind !== 'folder') return { looked: 0, deep: 0 };
  const { directory, names } = source;
  const every = Math.max(1, Math.ceil(names.length / most));
  const some = Array.from({ length: Math.ceil(names.length / every) }, (_, i) => names.at(i * every)!);
  const { default: sharp } = await import('sharp');
  const depths = await Promise.all(
    some
      .filter((name) => DEEP.includes(extname(name).toLowerCase()))
      .map(async (name) => {
        const header = await sharp(join(directory, name))
          .metadata()
          .catch(() => undefined);
        return header?.depth === 'ushort';
      }),
  );
  return { looked: some.length, deep: depths.filter(Boolean).length };
}
