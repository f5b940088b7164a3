import type { ShardSource } from '../sources/source';
import { localShard } from './localShard';

let isBusy = false;

/**
 * Begins to bring shards that are going to be needed, one after the other, if this thread is not at it already. Others
 * that begin at the same time take the next ones.
 */
export async function bringAhead(
  { shards, cache }: Pick<ShardSource, 'shards' | 'cache'>,
  ahead: readonly number[],
): Promise<void> {
  if (isBusy) return;
  isBusy = true;
  for (const shard of ahead) {
    // Whoever needs it in the end tries again, and says what is wrong.
    await localShard(shards[shard]!, cache, { wait: false }).catch(() => {});
  }
  isBusy = false;
}
