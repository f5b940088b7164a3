import { createHash } from 'node:crypto';
import { mkdir, open, readdir, rm, stat, utimes } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type DownloadOptions, LOCK, withLock } from '@beit/download';
import type { ShardCache, ShardFile } from '../sources/source';
import { bringFile } from './bringFile';
import { ShardError } from './shardError';
import { isAddress } from './shardFile';
import { withParquet } from './withParquet';

/** Whether a shard is read where it is, without a cache. */
export const isLocal = ({ kind, location }: ShardFile): boolean => kind === 'tar' && !isAddress(location);

/**
 * The path of a shard as a tar file on this machine, brought into the cache where it is not one.
 *
 * @param options.wait whether to wait for another thread or process that is about to bring it
 * @throws ShardError when it can't be brought, or there is no cache
 */
export async function localShard(
  shard: ShardFile,
  cache: ShardCache | undefined,
  { wait = true }: { readonly wait?: boolean } = {},
): Promise<string> {
  if (isLocal(shard)) return shard.location;
  if (!cache) throw new ShardError(`'${shard.location}' needs a cache to be read from.`);
  const path = join(cache.directory, cacheName(shard));
  if (await touched(path)) return path;
  await mkdir(cache.directory, { recursive: true });
  const bring = async () => {
    if (!(await touched(path))) await bringShard(shard, path, cache);
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

async function bringShard(shard: ShardFile, path: string, cache: ShardCache): Promise<void> {
  const { kind, location, bytes, checksum } = shard;
  const options: DownloadOptions = {
    mostBytes: cache.maxBytes,
    ...(bytes !== undefined && { bytes }),
    ...(checksum && { checksum }),
  };
  const isPacked = kind === 'parquet' && isAddress(location);
  // A Parquet file and what is unpacked from it are there together for a while.
  await reserveRoom(path, (bytes ?? 0) * (isPacked ? 2 : 1), cache);
  try {
    if (kind === 'tar') await bringFile(location, path, options);
    else if (isPacked) {
      await bringFile(location, `${path}.parquet`, options);
      await withParquet('unpack', `${path}.parquet`, path);
    } else await withParquet('unpack', location, path);
  } finally {
    await rm(`${path}.parquet`, { force: true });
    await rm(`${path}${ROOM}`, { force: true });
  }
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
      await rm(oldest, { force: true });
      total -= size;
    }
    const room = await open(`${path}${ROOM}`, 'w');
    await room.truncate(bytes);
    await room.close();
  });

/** Whether it is room for a shard that is being brought, and not what a dead process left. */
async function isComing(path: string): Promise<boolean> {
  if (!path.endsWith(ROOM)) return false;
  const lock = await stat(`${path.slice(0, -ROOM.length)}${LOCK}`).catch(() => undefined);
  return lock !== undefined && Date.now() - lock.mtimeMs < 1000 * FORGOTTEN_SECONDS;
}

interface CachedFile {
  readonly path: string;
  readonly size: number;
  /** When it was last used, milliseconds since 1970. */
  readonly time: number;
}

/** What takes room; undefined when something came or went meanwhile and may be counted twice, or not at all. */
async function filesOf(directory: string): Promise<CachedFile[] | undefined> {
  const names = (await readdir(directory)).filter((name) => !name.endsWith(LOCK));
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
