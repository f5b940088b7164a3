import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { makeFolder } from '@beit/tensors';
import { writeFileAtomic } from '@beit/weights';
import { z } from 'zod';
import { IMAGE_EXTENSIONS } from './imageExtensions';

const names = z.array(z.string());
const content = z.object({
  images: names,
  /** Links to folders are folders. */
  folders: names,
  /** Called like images, but pipes, sockets or devices. */
  special: names,
  /** Other files: how many of each ending. */
  others: z.record(z.string(), z.number()),
});

/** What is in a folder, by name. */
export type FolderContent = z.infer<typeof content>;

export interface FolderReader {
  /** @param folder without links */
  read(folder: string): Promise<FolderContent>;
  /** Keeps what was read for the next time, if it is much. */
  keep(): Promise<void>;
}

const VERSION = 3;
const indexFile = z.object({
  version: z.literal(VERSION),
  /** By path, with the time at which the folder last had a file come or go, in milliseconds. */
  folders: z.record(z.string(), content.extend({ changed: z.number() })),
});
type Index = z.infer<typeof indexFile>['folders'];

/** Fewer files are read as fast again. */
const FEWEST_KEPT = 5_000;
/** A folder that has just changed may change again within the same tick of its clock. */
const SETTLED_MILLISECONDS = 2000;

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
      await makeFolder(indexes!);
      const text = JSON.stringify({ version: VERSION, folders: Object.fromEntries(settled) });
      await writeFileAtomic(path, [Buffer.from(text)]);
    },
  };
}

/** One that is damaged, or was written by another version, is as none: it is written anew. */
async function readIndex(path: string): Promise<Index> {
  const text = await readFile(path, 'utf8').catch(() => 'null');
  try {
    return indexFile.safeParse(JSON.parse(text)).data?.folders ?? {};
  } catch {
    return {};
  }
}

/**
 * What systems and programs keep beside data: hidden entries (`.ipynb_checkpoints`, `.DS_Store`, and `._1.jpg`, which has
 * what macOS knows of `1.jpg`), and folders of archives and servers.
 */
export const isHidden = (name: string): boolean =>
  name.startsWith('.') || name === '__MACOSX' || name === '@eaDir';

async function readFolder(folder: string): Promise<FolderContent> {
  const found: FolderContent = { images: [], folders: [], special: [], others: {} };
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    if (isHidden(entry.name)) continue;
    // One that leads nowhere is like an image that cannot be read.
    const info = entry.isSymbolicLink() ? await stat(join(folder, entry.name)).catch(() => undefined) : entry;
    const ending = extname(entry.name).toLowerCase();
    if (info?.isDirectory()) found.folders.push(entry.name);
    else if (!IMAGE_EXTENSIONS.includes(ending)) found.others[ending] = (found.others[ending] ?? 0) + 1;
    else if (info && !info.isFile()) found.special.push(entry.name);
    else found.images.push(entry.name);
  }
  return found;
}
