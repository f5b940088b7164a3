import { patchify } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';
import { completePixels } from './completePixels';
import { completeTokens } from './completeTokens';

/** What fills in: a network, and what its tokens look like. */
export interface FillInModel {
  /** `[batch, patches, vocabSize]` of images and of masks, 1 = masked, as `mim.logits`. */
  logits(images: tf.Tensor, mask: tf.Tensor): tf.Tensor;
  /** Of tokens `[batch, patches]`: such images, as a decoder draws them. */
  pictures(tokens: tf.Tensor): tf.Tensor;
  readonly patchSize: number;
}

/** `images` `[batch, height, width, channels]` as `logits` takes them, `tokens` `[batch, patches]` int32, `mask` `[batch, patches]` float32, 1 = masked. */
export interface FillInState<T = tf.Tensor> {
  readonly images: T;
  readonly tokens: T;
  readonly mask: T;
}

/**
 * One of several rounds in which masked patches are filled in, the most certain first (MaskGIT, arXiv 2202.04200, section
 * 3.2): what was taken in one round is seen in the next, as the picture of its token, so that the patches agree with each
 * other. All at once each is the most likely one for itself.
 *
 * @param state of `tokens` only those of visible patches are used
 * @param remaining `[batch]` int32, how many patches of each image stay masked: those of `maskedAfter`; 0 ends it
 * @returns the state after it, with the token that is taken, or would be, in every masked patch; and `probability`
 *   `[batch, patches]` of the likeliest token
 */
export function fillInRound(
  { logits, pictures, patchSize }: FillInModel,
  { images, tokens, mask }: FillInState,
  remaining: tf.Tensor,
): FillInState & { readonly probability: tf.Tensor } {
  const scores = logits(images, mask);
  const probability = tf.max(tf.softmax(scores), 2);
  const completed = completeTokens(scores, tokens, mask);
  const next = leastCertain(probability, mask, remaining);
  const filled = patchify(pictures(completed) as tf.Tensor4D, patchSize);
  return {
    images: completePixels(filled, images, tf.sub(mask, next)),
    tokens: completed,
    mask: next,
    probability,
  };
}

/** So many of the masked patches of each image, 1 in `[batch, patches]`; of equal ones the first. */
function leastCertain(probability: tf.Tensor, mask: tf.Tensor, count: tf.Tensor): tf.Tensor {
  // A visible patch comes after all others.
  const certainty = tf.where(tf.greater(mask, 0.5), probability, tf.fill(probability.shape, 2));
  const [own, other] = [tf.expandDims(certainty, 2), tf.expandDims(certainty, 1)];
  const patches = certainty.shape[1]!;
  const place = tf.range(0, patches);
  const isBefore = tf.less(tf.expandDims(place, 0), tf.expandDims(place, 1));
  const precedes = tf.logicalOr(tf.less(other, own), tf.logicalAnd(tf.equal(other, own), isBefore));
  const rank = tf.sum(tf.cast(precedes, 'float32'), 2);
  const isLeast = tf.less(rank, tf.expandDims(tf.cast(count, 'float32'), 1));
  return tf.mul(mask, tf.cast(isLeast, 'float32'));
}

/**
 * How many of the masked patches are still masked after each round, the last one 0: few are taken at first, when little is
 * known (MaskGIT's cosine, section 3.3).
 *
 * @throws RangeError unless both are whole, `masked` at least 0 and `rounds` at least 1
 */
export function maskedAfter(masked: number, rounds: number): number[] {
  if (!Number.isSafeInteger(masked) || masked < 0 || !Number.isSafeInteger(rounds) || rounds < 1)
    throw new RangeError(
      `masked is ${masked} and rounds ${rounds}; expected whole numbers, of at least 0 and 1.`,
    );
  return Array.from({ length: rounds }, (_, i) =>
    i === rounds - 1 ? 0 : Math.floor(masked * Math.cos((Math.PI / 2) * ((i + 1) / rounds))),
  );
}
