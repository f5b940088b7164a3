/** The masked positions of a batch in arrays of a fixed size. */
export interface MaskedPositions {
  /** [batch, maxMasked] */
  readonly shape: readonly [batch: number, maxMasked: number];
  /** `[batch * maxMasked]`: row-major patch indices in rising order, then zeros. */
  readonly positions: Int32Array;
  /** `[batch * maxMasked]`: 1 for a position, 0 for padding. */
  readonly weights: Float32Array;
}

/**
 * Turns masks with different numbers of masked patches into arrays of one size, as static graphs need them.
 *
 * With these weights, sum(weights * loss) / sum(weights) is the mean over all masked patches of the batch, which
 * is what the official code computes by boolean indexing.
 *
 * @param masks one `[patches]` array of 0 and 1 per image.
 * @param maxMasked room per image: the generator's `maxMasked`.
 * @throws RangeError when a mask does not fit, masks differ in length, hold other values, or nothing is masked.
 */
export function toMaskedPositions(masks: readonly Uint8Array[], maxMasked: number): MaskedPositions {
  if (!Number.isInteger(maxMasked) || maxMasked < 1) {
    throw new RangeError(`maxMasked ${maxMasked} is not possible: give a whole number of at least 1.`);
  }
  const patches = masks[0]?.length ?? 0;
  const positions = new Int32Array(masks.length * maxMasked);
  const weights = new Float32Array(masks.length * maxMasked);
  let total = 0;
  masks.forEach((mask, image) => {
    if (mask.length !== patches) {
      throw new RangeError(
        `Mask ${image} has ${mask.length} patches, mask 0 has ${patches}: use one grid per batch.`,
      );
    }
    let count = 0;
    for (let patch = 0; patch < patches; patch++) {
      const value = mask[patch]!;
      if (value > 1) {
        throw new RangeError(
          `Mask ${image} holds ${value} at patch ${patch}: give 1 for masked, 0 for visible.`,
        );
      }
      if (value === 0) continue;
      if (count < maxMasked) {
        positions[image * maxMasked + count] = patch;
        weights[image * maxMasked + count] = 1;
      }
      count++;
    }
    if (count > maxMasked) {
      throw new RangeError(
        `Mask ${image} has ${count} masked patches, more than maxMasked ${maxMasked}: raise it.`,
      );
    }
    total += count;
  });
  if (total === 0) {
    throw new RangeError(
      `Nothing is masked in ${masks.length} masks, so the loss would be 0/0: give other masks.`,
    );
  }
  return { shape: [masks.length, maxMasked], positions, weights };
}
