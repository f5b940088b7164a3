import { stat } from 'node:fs/promises';
import { checksumOf } from '@beit/download';
import { isAddress } from './shardFile';
import type { IndexedShard } from './shardIndex';
import { shardSamples } from './shardSamples';

/**
 * Reads tar files on this machine as a whole.
 *
 * @returns what is wrong, for people; nothing where all are as the index says
 */
export async function verifyShards(
  shards: readonly IndexedShard[],
  onProgress?: (done: number, total: number) => void,
): Promise<string[]> {
  const faults: string[] = [];
  for (const [i, shard] of shards.entries()) {
    const fault = await faultOf(shard).catch((error: Error) => error.message);
    if (fault !== undefined) faults.push(fault);
    onProgress?.(i + 1, shards.length);
  }
  return faults;
}

async function faultOf({
  kind,
  location,
  bytes,
  checksum,
  samples,
}: IndexedShard): Promise<string | undefined> {
  if (isAddress(location)) return `'${location}' is not on this machine.`;
  const { size } = await stat(location);
  if (bytes !== undefined && size !== bytes)
    return `'${location}' has ${size} bytes; the index says ${bytes}.`;
  const actual = checksum && (await checksumOf(location, checksum.algorithm));
  if (actual !== checksum?.value) {
    return `'${location}' has the ${checksum!.algorithm} ${actual}; the index says ${checksum!.value}.`;
  }
  const found = kind === 'tar' ? shardSamples(location).length : samples;
  return found === samples ? undefined : `'${location}' has ${found} images; the index says ${samples}.`;
}
