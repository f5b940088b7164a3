import type { Random } from '@beit/random';
import type { ShardSource } from '../sources/source';

/** Another image of the same shard, which is at hand: of any other it would have to be brought. */
export const withinShard =
  ({ shardOf }: Pick<ShardSource, 'shardOf'>) =>
  (random: Pick<Random, 'integer'>, index: number): number => {
    let [first, last] = [index, index];
    while (first > 0 && shardOf[first - 1] === shardOf[index]) first--;
    while (last + 1 < shardOf.length && shardOf[last + 1] === shardOf[index]) last++;
    return random.integer(first, last);
  };
