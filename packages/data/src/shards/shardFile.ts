import type { ShardFile } from '../sources/source';

export const isAddress = (location: string): boolean => /^https?:\/\//i.test(location);

/** The kind by a file's name; undefined for other files. */
export function shardKind(location: string): ShardFile['kind'] | undefined {
  const [path] = isAddress(location) ? location.split(/[?#]/) : [location];
  if (/\.tar$/i.test(path!)) return 'tar';
  return /\.parquet$/i.test(path!) ? 'parquet' : undefined;
}
