import type { Checksum } from '@beit/download';

/** Where a shard is, as plain data that a worker thread can take. */
export interface ShardFile {
  readonly kind: 'tar' | 'parquet';
  /** A path, or an http(s) address. */
  readonly location: string;
  /** Of the file; undefined where nobody has said. */
  readonly bytes?: number;
  readonly checksum?: Checksum;
}

/** Where shards are kept that come over the network or out of Parquet files. Processes and threads may share one. */
export interface ShardCache {
  readonly directory: string;
  /** What has been out of use for the longest makes room. */
  readonly maxBytes: number;
}

export const isAddress = (location: string): boolean => /^https?:\/\//i.test(location);

/** The kind by a file's name; undefined for other files. */
export function shardKind(location: string): ShardFile['kind'] | undefined {
  const [path] = isAddress(location) ? location.split(/[?#]/) : [location];
  if (/\.tar$/i.test(path!)) return 'tar';
  return /\.parquet$/i.test(path!) ? 'parquet' : undefined;
}
