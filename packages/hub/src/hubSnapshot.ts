import { dirname, join } from 'node:path';
import { download, LOCK, TemporaryError, UnreachableError, withLock } from '@beit/download';
import { makeFolder, messageOf } from '@beit/tensors';
import {
  blobPath,
  cachedCommit,
  cachedFiles,
  isFileOf,
  linkBlob,
  repositoryFolder,
  snapshotFolder,
  writeRef,
} from './hubCache';
import { type HubEnvironment, hubEnvironment } from './hubEnvironment';
import { type HubName, hubNameText } from './hubName';
import { addressOf, authorization, type HubFile, type HubListing, listRepository } from './listRepository';

export interface SnapshotOptions {
  /** Which of the paths in the repository are needed; may throw where it lacks something. */
  readonly select: (paths: readonly string[]) => readonly string[];
  /** Told of every file that is brought, before. */
  readonly onFile?: (file: HubFile) => void;
  /** Bytes of a file so far. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
  /** Told why the Hub was not asked, where it had to be. */
  readonly onCache?: (reason: string) => void;
  /** Default: what the environment's variables say. */
  readonly environment?: HubEnvironment;
}

/** A repository as it lies in the cache. */
export interface Snapshot {
  /** Has the files at their paths. */
  readonly folder: string;
  readonly commit: string;
  /** The paths that were selected. */
  readonly paths: readonly string[];
}

/**
 * Brings the needed files of a repository into the cache, where Python's libraries find them, and takes what they left
 * there. Contents are checked by their checksums; what breaks off is taken up later. Offline, or when the Hub cannot be
 * reached, the cache alone is asked.
 *
 * @throws Error when the Hub refuses, or the cache lacks what is needed: it says what was looked for and where
 */
export async function hubSnapshot(name: HubName, options: SnapshotOptions): Promise<Snapshot> {
  const environment = options.environment ?? (await hubEnvironment());
  const folder = repositoryFolder(environment.cache, name);
  if (environment.offline) return fromCache(folder, name, options, 'HF_HUB_OFFLINE is set');
  let listing: HubListing;
  try {
    listing = await listRepository(name, environment);
  } catch (error) {
    const message = messageOf(error);
    const isAway =
      error instanceof UnreachableError || (error instanceof Error && error.cause instanceof TemporaryError);
    if (isAway) return fromCache(folder, name, options, message);
    const hint = /answered 40[134]/.test(message)
      ? ` Is the name right, and does ${environment.token ? 'the token' : 'a token in HF_TOKEN'} open it?`
      : '';
    throw new Error(`Cannot read the ${name.kind} '${hubNameText(name)}' of the Hub: ${message}${hint}`, {
      cause: error,
    });
  }
  const paths = selected(
    name,
    listing.files.map(({ path }) => path),
    options,
  );
  const wanted = new Set(paths);
  for (const file of listing.files)
    if (wanted.has(file.path)) await bring(file, listing.commit, folder, name, environment, options);
  await writeRef(folder, name, listing.commit);
  return { folder: snapshotFolder(folder, listing.commit), commit: listing.commit, paths };
}

function selected(name: HubName, paths: readonly string[], { select }: SnapshotOptions): readonly string[] {
  try {
    return select(paths);
  } catch (cause) {
    throw new Error(`The ${name.kind} '${hubNameText(name)}' of the Hub: ${messageOf(cause)}`, { cause });
  }
}

async function bring(
  file: HubFile,
  commit: string,
  folder: string,
  name: HubName,
  environment: HubEnvironment,
  { onFile, onProgress }: SnapshotOptions,
): Promise<void> {
  const { path, bytes, checksum } = file;
  const pointer = join(snapshotFolder(folder, commit), path);
  if (await isFileOf(pointer, bytes)) return;
  const blob = blobPath(folder, file);
  await makeFolder(dirname(blob));
  await withLock(`${blob}${LOCK}`, async () => {
    if (await isFileOf(blob, bytes)) return;
    onFile?.(file);
    const parts = [commit, ...path.split('/')].map(encodeURIComponent).join('/');
    const repository = addressOf(environment, name.kind === 'dataset' ? 'datasets/' : '', name);
    await download(`${repository}/resolve/${parts}`, blob, {
      bytes,
      checksum,
      mostBytes: bytes,
      headers: authorization(environment),
      ...(onProgress && { onProgress }),
    });
  });
  await linkBlob(blob, pointer);
}

async function fromCache(
  folder: string,
  name: HubName,
  options: SnapshotOptions,
  reason: string,
): Promise<Snapshot> {
  const commit = await cachedCommit(folder, name);
  const snapshot = commit && snapshotFolder(folder, commit);
  const files = snapshot ? await cachedFiles(snapshot) : [];
  if (!commit || !snapshot || files.length === 0)
    throw new Error(
      `The ${name.kind} '${hubNameText(name)}' of the Hub is not in the cache ${folder}, where alone it was looked for: ${reason}`,
    );
  options.onCache?.(reason);
  return { folder: snapshot, commit, paths: selected(name, files, options) };
}
