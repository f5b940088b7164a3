import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { imageFolder } from '@beit/data';
import { UsageError } from './commandLine';

/** A picture that was named on the command line, or lies below a folder that was. */
export interface ImageFile {
  readonly path: string;
  /** The path below the folder that was named, or the file's name. */
  readonly name: string;
}

/**
 * Pictures, and those below folders, in this order; several may have one name.
 *
 * @throws UsageError for what is not there; as `imageFolder` for a folder without pictures
 */
export async function namedImages(paths: readonly string[]): Promise<readonly ImageFile[]> {
  const all: ImageFile[] = [];
  for (const path of paths) {
    const info = await stat(path).catch(() => undefined);
    if (!info) throw new UsageError(`There is no '${path}'; expected an image or a folder of images.`);
    if (!info.isDirectory()) all.push({ path, name: basename(path) });
    else {
      const { names, passedOver } = await imageFolder(path);
      // What is no regular file is told of like one that cannot be read.
      for (const name of [...names, ...passedOver.special]) all.push({ path: join(path, name), name });
    }
  }
  return all;
}

/**
 * The same, each file once. Where two would have one name, they have their paths.
 *
 * @throws as `namedImages`
 */
export async function imageFiles(paths: readonly string[]): Promise<readonly ImageFile[]> {
  const all = new Map((await namedImages(paths)).map(({ path, name }) => [path, name]));
  const counts = new Map<string, number>();
  for (const name of all.values()) counts.set(name, (counts.get(name) ?? 0) + 1);
  return Array.from(all, ([path, name]) => ({ path, name: counts.get(name)! > 1 ? path : name }));
}
