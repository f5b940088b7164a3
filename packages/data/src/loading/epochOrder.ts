import { createRandom } from '@beit/random';
import { isLocal } from '../shards/localShard';
import { type ShardOrder, shardOrder } from '../shards/shardOrder';
import type { ImageSource } from '../sources/source';

/** The images of an epoch in their order; of shards, in windows. */
export type EpochOrder = { readonly indices: ArrayLike<number> } | ShardOrder;

/** The order of every epoch: a pure function, of which the last two results are kept. */
export function createEpochOrder(
  source: ImageSource,
  { seed, shuffle }: { readonly seed: number; readonly shuffle: boolean },
): (epoch: number) => EpochOrder {
  const orderOf = (epoch: number): EpochOrder => {
    if (source.kind === 'shards') {
      return shardOrder(source.shardOf, { seed, epoch, window: source.window, shuffle });
    }
    const count = source.names.length;
    return {
      indices: shuffle
        ? createRandom(seed, 'shuffle', epoch).permutation(count)
        : Int32Array.from({ length: count }, (_, i) => i),
    };
  };
  const kept = new Map<number, EpochOrder>();
  return (epoch) => {
    const order = kept.get(epoch) ?? orderOf(epoch);
    kept.delete(epoch);
    kept.set(epoch, order);
    if (kept.size > 2) kept.delete(kept.keys().next().value!);
    return order;
  };
}

/**
 * Shards that must be brought to this machine for the images from `position` of an epoch on: those of the window there and
 * of the next one, perhaps of the next epoch.
 */
export function shardsAhead(
  source: ImageSource,
  order: (epoch: number) => EpochOrder,
  epoch: number,
  position: number,
): number[] {
  if (source.kind !== 'shards' || source.shards.every(isLocal)) return [];
  const windowsOf = (of: number) => (order(of) as ShardOrder).windows;
  const windows = windowsOf(epoch);
  const at = Math.max(
    0,
    windows.findIndex(({ end }) => position < end),
  );
  const next = windows[at + 1] ?? windowsOf(epoch + 1)[0]!;
  return [...new Set([...windows[at]!.shards, ...next.shards])];
}
