import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, join, relative, sep } from 'node:path';
import { createFolderReader, type FolderReader, isHidden } from './folderReader';
import { addPassedOver, describePassedOver, IMAGE_EXTENSIONS, type PassedOver } from './imageExtensions';
import { compactNames } from './names';
import type { FolderSource } from './source';

export interface ImageFolderOptions {
  /**
   * A folder in which to keep what large folders hold: of millions of files, only folders that have changed since are read
   * again. Default: nothing is kept.
   */
  readonly indexes?: string;
}

interface Found {
  readonly images: string[];
  readonly special: string[];
  readonly endings: Record<string, number>;
}

/** Whether a folder is below the root without any link, and read there. */
function isWithin(root: string, real: string): boolean {
  const below = relative(root, real);
  return !isAbsolute(below) && below.split(sep).every((name) => !isHidden(name));
}

/**
 * Appends the names of all images below a folder, sorted. A folder that links lead to is read once: where it is, if that is
 * below the root, lest its images be called as those of another one.
 *
 * @param prefix of the names
 * @param expected the folder without links, if it is none itself
 */
async function findImages(
  folder: string,
  prefix: string,
  reader: FolderReader,
  found: Found,
  { root, expected, seen }: { readonly root: string; readonly expected: string; readonly seen: Set<string> },
): Promise<void> {
  const real = await realpath(folder);
  if (seen.has(real) || (real !== expected && isWithin(root, real))) return;
  seen.add(real);
  const content = await reader.read(real);
  const folders = new Set(content.folders);
  addPassedOver(found.endings, content.others);
  for (const name of content.special) found.special.push(prefix + name);
  for (const name of [...content.images, ...folders].sort()) {
    if (!folders.has(name)) found.images.push(prefix + name);
    else
      await findImages(join(folder, name), `${prefix}${name}/`, reader, found, {
        ...{ root, seen },
        expected: join(real, name),
      });
  }
}

/** What `imageFolder` found. */
export interface ImageFolder extends FolderSource {
  readonly passedOver: PassedOver;
}

/**
 * All images below a folder, at any depth, without what is hidden; regular files, and links to them. Labels are not needed for pre-training; with an
 * ImageNet-style layout the first folder of each path is its class.
 *
 * @throws when the folder is missing, is a file, or holds no image: the error says what was looked for and found
 */
export async function imageFolder(
  directory: string,
  { indexes }: ImageFolderOptions = {},
): Promise<ImageFolder> {
  const info = await stat(directory).catch(() => undefined);
  if (!info) throw new Error(`There is no folder '${directory}'. Give one that holds images, at any depth.`);
  if (!info.isDirectory())
    throw new Error(`'${directory}' is a file; expected a folder that holds images, at any depth.`);
  const root = await realpath(directory);
  const reader = await createFolderReader(root, indexes);
  const found: Found = { images: [], special: [], endings: {} };
  await findImages(directory, '', reader, found, { root, expected: root, seen: new Set() });
  const { images, ...passedOver } = found;
  if (images.length === 0) {
    throw new Error(
      `'${directory}' holds no images: looked at any depth for ${IMAGE_EXTENSIONS.join(' ')}. ` +
        (describePassedOver(passedOver) ?? 'There are no other files.'),
    );
  }
  await reader.keep();
  return { kind: 'folder', directory, names: compactNames(images), passedOver };
}
