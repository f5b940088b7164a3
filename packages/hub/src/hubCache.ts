/**
 * The cache of Python's huggingface_hub (its docs, "Understand caching"): `models--owner--name/` with `blobs/`, contents by
 * their checksum; `snapshots/COMMIT/`, the files of a commit as links to them; and `refs/`, the commit of a branch or tag.
 */
import { copyFile, readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { makeFolder } from '@beit/tensors';
import type { HubName } from './hubName';
import { COMMIT, type HubFile } from './listRepository';

/** The folder of a repository. */
export const repositoryFolder = (cache: string, { kind, id }: HubName): string =>
  join(cache, `${kind}s--${id.replace('/', '--')}`);

export const blobPath = (folder: string, { checksum }: HubFile): string =>
  join(folder, 'blobs', checksum.value);

export const snapshotFolder = (folder: string, commit: string): string => join(folder, 'snapshots', commit);

/** Whether a path, or what it links to, is a file of so many bytes. */
export const isFileOf = async (path: string, bytes: number): Promise<boolean> =>
  (await stat(path).catch(() => undefined))?.size === bytes;

/** The commit that the cache has for a revision. */
export async function cachedCommit(folder: string, { revision }: HubName): Promise<string | undefined> {
  if (COMMIT.test(revision)) return revision;
  const commit = await readFile(join(folder, 'refs', revision), 'utf8').catch(() => '');
  return COMMIT.test(commit.trim()) ? commit.trim() : undefined;
}

/** Paths of the files of a commit that the cache has. */
export async function cachedFiles(snapshot: string): Promise<string[]> {
  const entries = await readdir(snapshot, { recursive: true, withFileTypes: true }).catch(() => []);
  const files: string[] = [];
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if ((await stat(path).catch(() => undefined))?.isFile())
      files.push(relative(snapshot, path).replaceAll('\\', '/'));
  }
  return files.sort();
}

/** Puts a content that is there in its place in a snapshot. */
export async function linkBlob(blob: string, pointer: string): Promise<void> {
  await makeFolder(dirname(pointer));
  await rm(pointer, { force: true });
  await symlink(relative(dirname(pointer), blob), pointer).catch(async (error: NodeJS.ErrnoException) => {
    // Another process was faster.
    if (error.code === 'EEXIST') return;
    // Windows lets not everybody make links; Python copies there too.
    if (error.code !== 'EPERM') throw error;
    await copyFile(blob, pointer);
  });
}

/** Notes which commit a branch or tag is. */
export async function writeRef(folder: string, { revision }: HubName, commit: string): Promise<void> {
  if (COMMIT.test(revision)) return;
  const path = join(folder, 'refs', revision);
  await makeFolder(dirname(path));
  const partial = `${path}.${process.pid}.tmp`;
  await writeFile(partial, commit);
  await rename(partial, path);
}
