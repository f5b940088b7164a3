import { type Names, type PackedNames, packNames, unpackNames } from './names';
import type { ShardCache, ShardFile } from './shards/shardFile';

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
  /** Of each image: which of `shards`, and which of its samples. */
  readonly shardOf: Int32Array;
  readonly sampleOf: Int32Array;
  /** Shards that are mixed with each other in an epoch. */
  readonly window: number;
  readonly cache?: ShardCache;
}

/** A source on its way to a thread. */
export type PackedSource = Packed<ImageSource>;
type Packed<Source extends ImageSource> = Source extends unknown
  ? Omit<Source, 'names'> & { readonly names: PackedNames }
  : never;

export const packSource = (source: ImageSource): PackedSource => ({
  ...source,
  names: packNames(source.names),
});

export const unpackSource = (source: PackedSource): ImageSource => ({
  ...source,
  names: unpackNames(source.names),
});
