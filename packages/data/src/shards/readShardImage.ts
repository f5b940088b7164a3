import { closeSync, readSync } from 'node:fs';
import type { ShardCache, ShardFile, ShardSource } from '../sources/source';
import { localShard } from './localShard';
import { openArchive } from './openArchive';
import { ShardError } from './shardError';
import { type ShardSample, shardSamples } from './shardSamples';

interface OpenShard {
  readonly file: number;
  readonly samples: readonly ShardSample[];
}

/** Open at a time in a thread: more than the windows of a loader have. */
const MOST_OPEN = 64;

/** In the order of their last use. The file of one that has left the cache stays readable. */
const open = new Map<string, Promise<OpenShard>>();

/**
 * The file of an image, out of its shard, which is brought into the cache where it is not on this machine.
 *
 * @throws ShardError when the shard can't be brought or is damaged, or has no such sample
 */
export async function readShardImage(
  { shards, shardOf, sampleOf, cache }: Omit<ShardSource, 'names'>,
  index: number,
): Promise<Buffer> {
  const shard = shards[shardOf[index]!]!;
  const { file, samples } = await openShard(shard, cache);
  const image = samples[sampleOf[index]!]?.image;
  if (!image) {
    throw new ShardError(
      `'${shard.location}' has ${samples.length} images; number ${sampleOf[index]} was asked for.`,
    );
  }
  const bytes = Buffer.allocUnsafeSlow(image.size);
  if (readSync(file, bytes, 0, image.size, image.offset) < image.size) {
    throw new ShardError(`'${shard.location}' ends within '${image.path}'; it was whole when it was opened.`);
  }
  return bytes;
}

function openShard(shard: ShardFile, cache: ShardCache | undefined): Promise<OpenShard> {
  const { location } = shard;
  const opened = open.get(location) ?? openFile(shard, cache);
  open.delete(location);
  open.set(location, opened);
  opened.catch(() => open.delete(location));
  for (const [oldest, one] of open) {
    if (open.size <= MOST_OPEN) break;
    open.delete(oldest);
    one.then(({ file }) => closeSync(file)).catch(() => {});
  }
  return opened;
}

async function openFile(shard: ShardFile, cache: ShardCache | undefined): Promise<OpenShard> {
  for (let time = 1; ; time++) {
    const path = await localShard(shard, cache);
    try {
      return { samples: shardSamples(path), file: openArchive(path).file };
    } catch (error) {
      // Another process may have made room between the two.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || time === 3) throw error;
    }
  }
}
