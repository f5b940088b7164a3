/** A shard that can't be read: other than an image that can't, it ends the training. */
export class ShardError extends Error {
  override readonly name = 'ShardError';
}
