import { readdir, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { IMAGE_EXTENSIONS } from './imageExtensions';
import type { FolderSource } from './source';

const isImage = (name: string) =>
  IMAGE_EXTENSIONS.some((extension) => name.toLowerCase().endsWith(extension));

/** Every image below a folder, sorted; a folder that links lead to twice is read once. */
async function findImages(folder: string, seen: Set<string>): Promise<{ images: string[]; others: number }> {
  const real = await realpath(folder);
  if (seen.has(real)) return { images: [], others: 0 };
  seen.add(real);
  const images: string[] = [];
  let others = 0;
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    const isFolder =
      entry.isDirectory() ||
      (entry.isSymbolicLink() && (await stat(path).catch(() => undefined))?.isDirectory());
    if (isFolder) {
      const below = await findImages(path, seen);
      images.push(...below.images);
      others += below.others;
    } else if (isImage(entry.name)) images.push(path);
    else others += 1;
  }
  return { images, others };
}

/**
 * All images below a folder, at any depth. Labels are not needed for pre-training; with an ImageNet-style layout the
 * first folder of each path is its class.
 *
 * @throws when the folder is missing, is a file, or holds no image: the error says what was looked for and found
 */
export async function imageFolder(directory: string): Promise<FolderSource> {
  const info = await stat(directory).catch(() => undefined);
  if (!info) throw new Error(`There is no folder '${directory}'. Give one that holds images, at any depth.`);
  if (!info.isDirectory())
    throw new Error(`'${directory}' is a file; expected a folder that holds images, at any depth.`);
  const { images, others } = await findImages(directory, new Set());
  if (images.length === 0) {
    throw new Error(
      `'${directory}' holds no images: looked at any depth for ${IMAGE_EXTENSIONS.join(' ')}, found ${others} other files.`,
    );
  }
  return {
    kind: 'folder',
    directory,
    names: images.map((path) => relative(directory, path).split(sep).join('/')),
  };
}
