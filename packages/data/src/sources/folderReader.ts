import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { writeFileAtomic } from '@beit/weights';
import { IMAGE_EXTENSIONS, type PassedOver } from './imageExtensions';

/** What is in a folder, by name. */
export interface FolderContent {
  readonly images: readonly string[];
  /** Links to folders are folders. */
  readonly folders: readonly string[];
  /** Other files. */
  readonly others: PassedOver;
}

export interface FolderReader {
  /** @param folder without links */
  read(folder: string): Promise<FolderContent>;
  /** Keeps what was read for the next time, if it is much. */
  keep(): Promise<void>;
}

/** By path, with the time at which the folder last had a file come or go, in milliseconds. */
type Index = Record<string, FolderContent & { readonly changed: number }>;

/** Fewer files are read as fast again. */
const FEWEST_KEPT = 5_000;
/** A folder that has just changed may change again within the same tick of its clock. */
const SETTLED_MILLISECONDS = 2000;
const VERSION = 2;

/**
 * Reads folders, from an index where they have not changed since it was written. Links among their entries are not
 * followed again: what they lead to counts as it was then.
 *
 * @param root names the index
 * @param indexes the folder of indexes; undefined: there is none
 */
export async function createFolderReader(root: string, indexes: string | undefined): Promise<FolderReader> {
  const path =
    indexes && join(indexes, `${createHash('sha256').update(root).digest('hex').slice(0, 16)}.json`);
  const known = path ? await readIndex(path) : {};
  const index: Index = {};
  let fresh = false;
  let images = 0;
  return {
    async read(folder) {
      const { mtimeMs: changed } = await stat(folder);
      let content = known[folder];
      if (content?.changed !== changed) {
        content = { ...(await readFolder(folder)), changed };
        fresh = true;
      }
      index[folder] = content;
      images += content.images.length;
      return content;
    },
    async keep() {
      if (!path || !fresh || images < FEWEST_KEPT) return;
      const settled = Object.entries(index).filter(
        ([, { changed }]) => changed < Date.now() - SETTLED_MILLISECONDS,
      );
      await mkdir(indexes!, { recursive: true });
      const text = JSON.stringify({ version: VERSION, folders: Object.fromEntries(settled) });
      await writeFileAtomic(path, [Buffer.from(text)]);
    },
  };
}

async function readIndex(path: string): Promise<Index> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return {};
  try {
    const { version, folders } = JSON.parse(text) as { version: unknown; folders: Index };
    return version === VERSION ? folders : {};
  } catch {
    return {};
  }
}

/**
 * What systems and programs keep beside data: hidden entries (`.ipynb_checkpoints`, `.DS_Store`, and `._1.jpg`, which has
 * what macOS knows of `1.jpg`), and folders of archives and servers.
 */
const isHidden = (name: string) => name.startsWith('.') || name === '__MACOSX' || name === '@eaDir';

async function readFolder(folder: string): Promise<FolderContent> {
  const images: string[] = [];
  const folders: string[] = [];
  const others: Record<string, number> = {};
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (isHidden(entry.name)) continue;
    const isFolder =
      entry.isDirectory() ||
      (entry.isSymbolicLink() &&
        (await stat(join(folder, entry.name)).catch(() => undefined))?.isDirectory());
    const ending = extname(entry.name).toLowerCase();
    if (isFolder) folders.push(entry.name);
    else if (IMAGE_EXTENSIONS.includes(ending)) images.push(entry.name);
    else others[ending] = (others[ending] ?? 0) + 1;
  }
  return { images, folders, others };
}
