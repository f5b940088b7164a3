import type { ShardSource } from '../sources/source';
import { localShard } from './localShard';

/** What this thread is bringing. */
let current:
  | { readonly shards: ShardSource['shards']; readonly stop: AbortController; readonly done: Promise<void> }
  | undefined;

/**
 * Begins to bring shards that are going to be needed, one after the other, if this thread is not at it already. Others
 * that begin at the same time take the next ones.
 */
export function bringAhead(
  { shards, cache }: Pick<ShardSource, 'shards' | 'cache'>,
  ahead: readonly number[],
): void {
  if (current) return;
  const stop = new AbortController();
  const bringAll = async () => {
    for (const shard of ahead) {
      if (stop.signal.aborted) break;
      // Whoever needs it in the end tries again, and says what is wrong.
      await localShard(shards[shard]!, cache, { wait: false, signal: stop.signal }).catch(() => {});
    }
  };
  const done = bringAll().then(() => {
    current = undefined;
  });
  current = { shards, stop, done };
}

/** Ends it in this thread: nobody needs these shards any more, and nothing is written for them from then on. */
export async function endBringing({ shards }: Pick<ShardSource, 'shards'>): Promise<void> {
  if (current?.shards !== shards) return;
  current.stop.abort(new Error('The loader was closed.'));
  await current.done;
}
