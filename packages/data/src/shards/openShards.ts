import { stat } from 'node:fs/promises';
import type { Part } from '../sources/folderParts';
import { compactNames, type Names } from '../sources/names';
import type { ShardCache, ShardSource } from '../sources/source';
import { findShards } from './findShards';
import { type IndexOptions, indexShards } from './indexShards';
import { isLocal } from './localShard';
import { ShardError } from './shardError';
import { isAddress } from './shardFile';
import { type IndexedShard, SAMPLE_BYTES } from './shardIndex';

export interface ShardOptions extends Pick<IndexOptions, 'onProgress'> {
  /** Shards that are mixed with each other in an epoch. Default 8. */
  readonly window?: number;
  /** For shards on a server, and Parquet files; those are an error without one. */
  readonly cache?: ShardCache;
}

/** Some of the images of shards. */
export interface ShardPart {
  readonly source: ShardSource;
  /** The class of each image, where the shards say it. */
  readonly labels?: Int32Array;
}

export interface OpenedShards {
  /** Names of the classes, where the shards say them. */
  readonly classes?: readonly string[];
  readonly train: ShardPart;
  /** Shards whose names say that they are for it: val, valid, validation. */
  readonly validation?: ShardPart;
  /** Likewise: test, testing. */
  readonly test?: ShardPart;
}

/**
 * Images in tar files as WebDataset has them, or in Parquet files as Hugging Face's datasets have them.
 *
 * @param location a folder; `a-{000..123}.tar`, a path or an address, several joined by `::`; or the path or address of an
 *   index as `writeShards` and WebDataset's `wids` write it. Tar files on a server need an index
 * @throws ShardError when there are none, one is damaged, or the cache is too small for the window: it says how large
 */
export async function openShards(
  location: string,
  { window = 8, cache, onProgress }: ShardOptions = {},
): Promise<OpenedShards> {
  if (!Number.isSafeInteger(window) || window < 1) {
    throw new RangeError(`window is ${window}; expected a number of shards, at least 1.`);
  }
  const found = await findShards(location);
  if ('files' in found) {
    const [served] = found.files.filter((file) => file.kind === 'tar' && isAddress(file.location));
    if (served) {
      throw new ShardError(
        `How many images '${served.location}' has, an index must say. Make one (pnpm --filter shards start index '${location}' --out index.json) and give that.`,
      );
    }
  }
  const { classes, shards } =
    'files' in found ? await indexShards(found.files, { ...(onProgress && { onProgress }) }) : found;
  const filled = shards.filter(({ samples }) => samples > 0);
  if (filled.length === 0) throw new ShardError(`'${location}' has no shards with images.`);
  await assertCounts(filled);
  assertCache(filled, cache, window);

  const partsOf = (...names: readonly (Part | undefined)[]) =>
    filled.filter((shard) => names.includes(partOf(shard.location)));
  const [train, validation, test] = [partsOf('train', undefined), partsOf('validation'), partsOf('test')];
  if (train.length === 0) {
    throw new ShardError(
      `The shards of '${location}' are all for validation or test, by their names; expected some to train on.`,
    );
  }
  const part = (own: readonly IndexedShard[]) => shardPart(own, window, cache);
  return {
    ...(classes && { classes }),
    train: part(train),
    ...(validation.length > 0 && { validation: part(validation) }),
    ...(test.length > 0 && { test: part(test) }),
  };
}

/** By the file's name or that of its folder; undefined where they say nothing. */
function partOf(location: string): Part | undefined {
  const [path] = isAddress(location) ? [new URL(location).pathname] : [location];
  const names = path!.split(/[/\\]/).slice(-2).reverse();
  for (const name of names) {
    if (/(^|[^a-z])train(ing)?([^a-z]|$)/i.test(name)) return 'train';
    if (/(^|[^a-z])val(id|idation)?([^a-z]|$)/i.test(name)) return 'validation';
    if (/(^|[^a-z])test(ing)?([^a-z]|$)/i.test(name)) return 'test';
  }
}

function shardPart(
  shards: readonly IndexedShard[],
  window: number,
  cache: ShardCache | undefined,
): ShardPart {
  const total = shards.reduce((sum, { samples }) => sum + samples, 0);
  const shardOf = new Int32Array(total);
  const sampleOf = new Int32Array(total);
  const labels = shards.every((shard) => shard.labels) ? new Int32Array(total) : undefined;
  let at = 0;
  for (const [i, { samples, labels: own }] of shards.entries()) {
    shardOf.fill(i, at, at + samples);
    for (let sample = 0; sample < samples; sample++) sampleOf[at + sample] = sample;
    labels?.set(own!, at);
    at += samples;
  }
  const files = shards.map(({ samples: _, labels: __, ...file }) => file);
  const source = shardSource({ shards: files, shardOf, sampleOf, window, ...(cache && { cache }) });
  return { source, ...(labels && { labels }) };
}

/** Names its images by their shards: `train-000007.tar/12`. */
function shardSource(parts: Omit<ShardSource, 'kind' | 'names'>): ShardSource {
  const short = parts.shards.map(({ location }) => location.split(/[/\\]/).at(-1)!);
  const { shardOf, sampleOf } = parts;
  const nameOf = (i: number) => `${short[shardOf[i]!]}/${sampleOf[i]}`;
  const names: Names = {
    length: shardOf.length,
    at: (i) => (i in shardOf ? nameOf(i) : undefined),
    *[Symbol.iterator]() {
      for (let i = 0; i < shardOf.length; i++) yield nameOf(i);
    },
  };
  return { kind: 'shards', names: compactNames(names), ...parts };
}

/** What an index says of files here must fit into them. One that is missing is an error when it is read. */
async function assertCounts(shards: readonly IndexedShard[]): Promise<void> {
  for (const { kind, location, samples } of shards) {
    if (isAddress(location)) continue;
    const size = (await stat(location).catch(() => undefined))?.size ?? Number.POSITIVE_INFINITY;
    if (samples > size / SAMPLE_BYTES[kind])
      throw new ShardError(
        `'${location}' has ${size} bytes, and its index says ${samples} samples; expected at most ${Math.floor(size / SAMPLE_BYTES[kind])}.`,
      );
  }
}

/** Two windows are needed at once: one that is read and the next one, which is brought. */
function assertCache(shards: readonly IndexedShard[], cache: ShardCache | undefined, window: number): void {
  const brought = shards.filter((shard) => !isLocal(shard));
  if (brought.length === 0) return;
  if (!cache) throw new ShardError(`'${brought[0]!.location}' needs a cache to be read from.`);
  const needed = brought
    .map(({ bytes = 0 }) => bytes)
    .sort((a, b) => b - a)
    .slice(0, 2 * window)
    .reduce((sum, bytes) => sum + bytes, 0);
  if (needed > cache.maxBytes) {
    const gigabytes = (bytes: number) => `${(bytes / 1e9).toPrecision(3)} GB`;
    throw new ShardError(
      `Two windows of ${window} shards take ${gigabytes(needed)}; the cache is for ${gigabytes(cache.maxBytes)}. Give it more, or take a smaller window.`,
    );
  }
}
