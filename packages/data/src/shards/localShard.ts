import { createHash } from 'node:crypto';
import { closeSync, readSync } from 'node:fs';
import { open, readdir, rename, rm, stat, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type DownloadOptions, LOCK, lastBeat, withLock } from '@beit/download';
import { makeFolder } from '@beit/tensors';
import type { ShardCache, ShardFile } from '../sources/source';
import { bringFile } from './bringFile';
import { forget, isChecked, isWhole, markChecked, SIDE_FILES, writeSum } from './cachedSum';
import { openArchive } from './openArchive';
import { ShardError } from './shardError';
import { isAddress } from './shardFile';
import { shardSamples } from './shardSamples';
import { withParquet } from './withParquet';

/** Whether a shard is read where it is, without a cache. */
export const isLocal = ({ kind, location }: ShardFile): boolean => kind === 'tar' && !isAddress(location);

/**
 * The path of a shard as a tar file on this machine, brought into the cache where it is not one. What the cache has is
 * checked once in a process, and brought anew where it is not what was brought.
 *
 * @param options.wait whether to wait for another thread or process that is about to bring it
 * @param options.signal ends the download
 * @throws ShardError when it can't be brought, or there is no cache
 */
export async function localShard(
  shard: ShardFile,
  cache: ShardCache | undefined,
  { wait = true, signal }: { readonly wait?: boolean; readonly signal?: AbortSignal } = {},
): Promise<string> {
  if (isLocal(shard)) return shard.location;
  if (!cache) throw new ShardError(`'${shard.location}' needs a cache to be read from.`);
  const path = join(cache.directory, cacheName(shard));
  if ((await isChecked(path)) && (await touched(path))) return path;
  await makeFolder(cache.directory);
  const bring = async () => {
    if ((await isChecked(path)) && (await touched(path))) return;
    if (!(await isWhole(path))) await bringShard(shard, path, cache, signal);
    await markChecked(path);
    await touched(path);
  };
  await withLock(`${path}${LOCK}`, bring, { wait });
  return path;
}

const cacheName = ({ location, bytes, checksum }: ShardFile): string => {
  const identity = createHash('sha256')
    .update(JSON.stringify([location, bytes, checksum?.value]))
    .digest('hex');
  const name = basename(isAddress(location) ? new URL(location).pathname : location);
  return `${identity.slice(0, 16)}-${name.replace(/[^\w.-]/g, '_').slice(-60)}.tar`;
};

/** Whether the file is there; if so it has been used now. */
async function touched(path: string): Promise<boolean> {
  const now = new Date();
  return utimes(path, now, now).then(
    () => true,
    () => false,
  );
}

async function bringShard(
  shard: ShardFile,
  path: string,
  cache: ShardCache,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { kind, location, bytes, checksum } = shard;
  const options: DownloadOptions = {
    mostBytes: cache.maxBytes,
    ...(bytes !== undefined && { bytes }),
    ...(checksum && { checksum }),
    ...(signal && { signal }),
  };
  const isPacked = kind === 'parquet' && isAddress(location);
  await forget(path);
  // A Parquet file and what is unpacked from it are there together for a while.
  await reserveRoom(path, (bytes ?? 0) * (isPacked ? 2 : 1), cache);
  try {
    if (kind === 'tar') {
      await bringFile(location, `${path}.new`, options);
      assertArchive(`${path}.new`);
    } else if (isPacked) {
      await bringFile(location, `${path}.parquet`, options);
      await withParquet('unpack', `${path}.parquet`, `${path}.new`);
    } else await withParquet('unpack', location, `${path}.new`);
    await writeSum(`${path}.new`, path);
    await rename(`${path}.new`, path);
  } catch (cause) {
    // People know it by its address.
    const own = [`${path}.parquet`, `${path}.new`];
    const message = own.reduce((text, name) => text.replaceAll(name, location), (cause as Error).message);
    throw new ShardError(message, { cause });
  } finally {
    for (const end of ['.new', '.parquet', ROOM]) await rm(`${path}${end}`, { force: true });
  }
}

/** What came, as `shardSamples` reads it: without a checksum, it may be anything, and would be kept. */
function assertArchive(path: string): void {
  try {
    shardSamples(path);
  } catch (cause) {
    throw new ShardError(`${(cause as Error).message}${isPage(path) ? PAGE : ''}`, { cause });
  }
}

const PAGE = ' It is a page: does its server want you to log in, or say that there is no such file?';

function isPage(path: string): boolean {
  const { file } = openArchive(path);
  const begin = Buffer.alloc(512);
  readSync(file, begin, 0, begin.length, 0);
  closeSync(file);
  return /^\s*<(!doctype|html|\?xml)/i.test(begin.toString('latin1'));
}

/** An empty file as large as what is about to come, for others to see. */
const ROOM = '.room';
/** Since the last beat of a lock; long, because clocks of other machines may be wrong. */
const FORGOTTEN_SECONDS = 600;

/** Removes what was used longest ago, until so many bytes more are within the limit, and takes that room. */
const reserveRoom = (path: string, bytes: number, { directory, maxBytes }: ShardCache): Promise<void> =>
  withLock(join(directory, `room${LOCK}`), async () => {
    let files: CachedFile[] | undefined;
    while (!files) files = await filesOf(directory);
    const others = files.filter((file) => !file.path.startsWith(path)).sort((a, b) => a.time - b.time);
    let total = others.reduce((sum, { size }) => sum + size, 0);
    for (const { path: oldest, size } of others) {
      if (total + bytes <= maxBytes) break;
      if (await isComing(oldest)) continue;
      await forget(oldest);
      total -= size;
    }
    const room = await open(`${path}${ROOM}`, 'w');
    await room.truncate(bytes);
    await room.close();
  });

/** Whether it is room for a shard that is being brought, and not what a dead process left. */
async function isComing(path: string): Promise<boolean> {
  if (!path.endsWith(ROOM)) return false;
  const beat = await lastBeat(`${path.slice(0, -ROOM.length)}${LOCK}`);
  return beat !== undefined && Date.now() - beat < 1000 * FORGOTTEN_SECONDS;
}

interface CachedFile {
  readonly path: string;
  readonly size: number;
  /** When it was last used, milliseconds since 1970. */
  readonly time: number;
}

/** What takes room; undefined when something came or went meanwhile and may be counted twice, or not at all. */
async function filesOf(directory: string): Promise<CachedFile[] | undefined> {
  const names = (await readdir(directory)).filter(
    (name) => ![LOCK, ...SIDE_FILES].some((end) => name.endsWith(end)),
  );
  // What comes into room that is taken is counted there.
  const coming = names.filter((name) => name.endsWith(ROOM)).map((name) => name.slice(0, -ROOM.length));
  const files: CachedFile[] = [];
  for (const name of names) {
    if (!name.endsWith(ROOM) && coming.some((shard) => name.startsWith(shard))) continue;
    const path = join(directory, name);
    const info = await stat(path).catch(() => undefined);
    if (!info) return undefined;
    files.push({ path, size: info.size, time: info.mtimeMs });
  }
  return files;
}
