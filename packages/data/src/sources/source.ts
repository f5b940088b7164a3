import type { Checksum } from '@beit/download';
import { type Names, type PackedNames, packNames, unpackNames } from './names';

/** Where images come from; plain data but for the names, which are packed for worker threads. */
export type ImageSource = FolderSource | MemorySource | ShardSource;

export interface FolderSource {
  readonly kind: 'folder';
  readonly directory: string;
  /** Paths below `directory`, with `/`, sorted. */
  readonly names: Names;
}

/** Images of one size that are decoded already and shared by all threads. */
export interface MemorySource {
  readonly kind: 'memory';
  readonly names: Names;
  /** Side of the square images, pixels. */
  readonly size: number;
  /** `[names.length, size, size, 4]`, red, green, blue and opacity (not premultiplied). */
  readonly pixels: SharedArrayBuffer;
}

/** Images in tar or Parquet files, here or on a server. */
export interface ShardSource {
  readonly kind: 'shards';
  /** Shard and number in it. */
  readonly names: Names;
  readonly shards: readonly ShardFile[];
  /** Which of `shards` each image is in. */
  readonly shardOf: Int32Array;
  /** Which of the samples of that shard each image is. */
  readonly sampleOf: Int32Array;
  /** Shards that are mixed with each other in an epoch. */
  readonly window: number;
  readonly cache?: ShardCache;
}

/** Where a shard is, as plain data that a worker thread can take. */
export interface ShardFile {
  readonly kind: 'tar' | 'parquet';
  /** A path, or an http(s) address. */
  readonly location: string;
  /** Size of the file; undefined where nobody has said. */
  readonly bytes?: number;
  readonly checksum?: Checksum;
}

/** Where shards are kept that come over the network or out of Parquet files. Processes and threads may share one. */
export interface ShardCache {
  readonly directory: string;
  /** What has been out of use for the longest makes room. */
  readonly maxBytes: number;
}

/** A source on its way to a thread. */
export type PackedSource<Source extends ImageSource = ImageSource> = Source extends unknown
  ? Omit<Source, 'names'> & { readonly names: PackedNames }
  : never;

export const packSource = <Source extends ImageSource>(source: Source) => ({
  ...source,
  names: packNames(source.names),
});

export const unpackSource = <Packed extends PackedSource>(source: Packed) => ({
  ...source,
  names: unpackNames(source.names),
});
