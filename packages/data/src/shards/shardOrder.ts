import { createRandom } from '@beit/random';

/** An order of images, in groups. */
export interface ShardOrder {
  readonly indices: Int32Array;
  /** In order: where a window ends, and which shards it has. */
  readonly windows: readonly ShardWindow[];
}

export interface ShardWindow {
  readonly end: number;
  readonly shards: readonly number[];
}

export interface ShardOrderOptions {
  readonly seed: number;
  readonly epoch: number;
  /** Shards. */
  readonly window: number;
  readonly shuffle: boolean;
}

/**
 * The order of an epoch: shards are shuffled, and then the images of `window` shards at a time, so that shards are needed
 * one window after the other. With shards that were filled at random this mixes as well as a shuffle of all images.
 *
 * @param shardOf the shard of every image
 */
export function shardOrder(
  shardOf: ArrayLike<number>,
  { seed, epoch, window, shuffle }: ShardOrderOptions,
): ShardOrder {
  if (!shuffle) return unshuffled(shardOf, window);
  const byShard = new Map<number, number[]>();
  for (let i = 0; i < shardOf.length; i++) {
    const own = byShard.get(shardOf[i]!);
    if (own) own.push(i);
    else byShard.set(shardOf[i]!, [i]);
  }
  const present = [...byShard.keys()];
  const order = Array.from(
    createRandom(seed, 'shuffle', epoch).permutation(present.length),
    (i) => present[i]!,
  );
  const indices = new Int32Array(shardOf.length);
  const windows: ShardWindow[] = [];
  let end = 0;
  for (let first = 0; first < order.length; first += window) {
    const shards = order.slice(first, first + window);
    const images = shards.flatMap((shard) => byShard.get(shard)!);
    for (const i of createRandom(seed, 'shuffle', epoch, first).permutation(images.length)) {
      indices[end++] = images[i]!;
    }
    windows.push({ end, shards });
  }
  return { indices, windows };
}

/** As they come. */
function unshuffled(shardOf: ArrayLike<number>, window: number): ShardOrder {
  const windows: ShardWindow[] = [];
  let shards = new Set<number>();
  for (let i = 0; i < shardOf.length; i++) {
    if (shards.size === window && !shards.has(shardOf[i]!)) {
      windows.push({ end: i, shards: [...shards] });
      shards = new Set();
    }
    shards.add(shardOf[i]!);
  }
  windows.push({ end: shardOf.length, shards: [...shards] });
  return { indices: Int32Array.from(shardOf, (_, i) => i), windows };
}
