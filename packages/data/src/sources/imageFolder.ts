import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createFolderReader, type FolderReader } from './folderReader';
import { IMAGE_EXTENSIONS } from './imageExtensions';
import { compactNames } from './names';
import type { FolderSource } from './source';

export interface ImageFolderOptions {
  /**
   * A folder in which to keep what large folders hold: of millions of files, only folders that have changed since are read
   * again. Default: nothing is kept.
   */
  readonly indexes?: string;
}

/**
 * Appends the names of all images below a folder, sorted, to `images`; a folder that links lead to twice is read once.
 *
 * @param prefix of the names
 * @returns how many other files there are
 */
async function findImages(
  folder: string,
  prefix: string,
  reader: FolderReader,
  images: string[],
  seen = new Set<string>(),
): Promise<number> {
  const real = await realpath(folder);
  if (seen.has(real)) return 0;
  seen.add(real);
  const content = await reader.read(real);
  const folders = new Set(content.folders);
  let { others } = content;
  for (const name of [...content.images, ...folders].sort()) {
    if (!folders.has(name)) images.push(prefix + name);
    else others += await findImages(join(folder, name), `${prefix}${name}/`, reader, images, seen);
  }
  return others;
}

/**
 * All images below a folder, at any depth. Labels are not needed for pre-training; with an ImageNet-style layout the
 * first folder of each path is its class.
 *
 * @throws when the folder is missing, is a file, or holds no image: the error says what was looked for and found
 */
export async function imageFolder(
  directory: string,
  { indexes }: ImageFolderOptions = {},
): Promise<FolderSource> {
  const info = await stat(directory).catch(() => undefined);
  if (!info) throw new Error(`There is no folder '${directory}'. Give one that holds images, at any depth.`);
  if (!info.isDirectory())
    throw new Error(`'${directory}' is a file; expected a folder that holds images, at any depth.`);
  const reader = await createFolderReader(await realpath(directory), indexes);
  const names: string[] = [];
  const others = await findImages(directory, '', reader, names);
  if (names.length === 0) {
    throw new Error(
      `'${directory}' holds no images: looked at any depth for ${IMAGE_EXTENSIONS.join(' ')}, found ${others} other files.`,
    );
  }
  await reader.keep();
  return { kind: 'folder', directory, names: compactNames(names) };
}
