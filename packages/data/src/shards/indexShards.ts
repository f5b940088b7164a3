import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checksumOf } from '@beit/download';
import type { ShardFile } from '../sources/source';
import { bringFile } from './bringFile';
import { isAddress } from './shardFile';
import type { IndexedShard, ShardIndex } from './shardIndex';
import { shardLabels, shardSamples } from './shardSamples';
import { withParquet } from './withParquet';

export interface IndexOptions {
  /** Whether to read the files as a whole, for their checksums. Default false. */
  readonly checksums?: boolean;
  /** Called after every shard. */
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Finds out what is in shards that have no index: of a tar file the headers are read, of a Parquet file its end and the
 * classes. A tar file on a server must be brought for that as a whole.
 *
 * @throws ShardError for the first that is none, or damaged
 */
export async function indexShards(
  files: readonly ShardFile[],
  { checksums = false, onProgress }: IndexOptions = {},
): Promise<ShardIndex> {
  const shards: IndexedShard[] = [];
  let classes: readonly string[] | undefined;
  for (const file of files) {
    const found = await (file.kind === 'tar' ? indexTar(file, checksums) : indexParquet(file, checksums));
    classes ??= found.classes;
    shards.push(found.shard);
    onProgress?.(shards.length, files.length);
  }
  return { ...(classes && { classes }), shards };
}

interface Indexed {
  readonly shard: IndexedShard;
  readonly classes?: readonly string[];
}

async function indexTar(file: ShardFile, checksums: boolean): Promise<Indexed> {
  const index = async (path: string): Promise<Indexed> => {
    const samples = shardSamples(path);
    const labels = shardLabels(path, samples);
    const shard = { ...file, samples: samples.length, ...(labels && { labels }) };
    return { shard: { ...shard, ...(await describeFile(path, checksums)) } };
  };
  if (!isAddress(file.location)) return index(file.location);
  const folder = await mkdtemp(join(tmpdir(), 'beit-shard-'));
  try {
    const path = join(folder, 'shard.tar');
    await bringFile(file.location, path, { mostBytes: Number.MAX_SAFE_INTEGER });
    return await index(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function indexParquet(file: ShardFile, checksums: boolean): Promise<Indexed> {
  const { rows, bytes, labels, classes } = await withParquet('index', file.location);
  const size = isAddress(file.location) ? { bytes } : await describeFile(file.location, checksums);
  return {
    shard: { ...file, samples: rows, ...(labels && { labels }), ...size },
    ...(classes && { classes }),
  };
}

async function describeFile(
  path: string,
  checksums: boolean,
): Promise<Pick<ShardFile, 'bytes' | 'checksum'>> {
  const { size: bytes } = await stat(path);
  if (!checksums) return { bytes };
  return { bytes, checksum: { algorithm: 'sha256', value: await checksumOf(path, 'sha256') } };
}
