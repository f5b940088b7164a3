import { assertShape } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';
import { type NeighborOptions, type Neighbors, nearestNeighbors } from './nearestNeighbors';

const DINO_TEMPERATURE = 0.07;

export interface VoteOptions {
  readonly numClasses: number;
  /** Only the nearest `k` vote. Default: all that were found. */
  readonly k?: number;
  /** A neighbour of cosine s has exp(s / temperature) votes. Default 0.07, DINO's. */
  readonly temperature?: number;
}

/**
 * Each class's share of the neighbours' votes, `[queries, numClasses]`; rows sum to 1. The shares rank classes as DINO's
 * sums of exp(s / temperature) do, of which they are multiples.
 * Where classes have equal shares, `classificationMetrics` takes the first; classes without a vote have 0, and fill up the
 * five best of fewer than five neighbours in the same way.
 *
 * @param neighbors of `nearestNeighbors`; several `k` can be tried on one search
 * @param labels class indices of the training images, int32 `[n]`
 * @throws RangeError for a `k` that was not searched for, and a temperature or number of classes that can't be
 */
export function neighborVotes(
  { indices, similarities }: Neighbors,
  labels: tf.Tensor1D,
  { numClasses, k, temperature = DINO_TEMPERATURE }: VoteOptions,
): tf.Tensor2D {
  const [queries, found] = indices.shape;
  const voters = k ?? found;
  if (!Number.isSafeInteger(voters) || voters < 1 || voters > found) {
    throw new RangeError(
      `k is ${k}; expected an integer from 1 to ${found}, the neighbours that were searched for.`,
    );
  }
  if (!(temperature > 0)) throw new RangeError(`temperature is ${temperature}; expected a positive number.`);
  if (!Number.isSafeInteger(numClasses) || numClasses < 1) {
    throw new RangeError(`numClasses is ${numClasses}; expected a positive integer.`);
  }
  return tf.tidy(() => {
    const nearest = <T extends tf.Tensor2D>(x: T): T => tf.slice(x, [0, 0], [queries, voters]);
    const weights = tf.softmax(tf.div(nearest(similarities), temperature));
    // Rows of the identity, because a gather refuses a label that is no class, of which `oneHot` makes zeros.
    const classes = tf.gather(tf.eye(numClasses), tf.gather(labels, nearest(indices)));
    return tf.sum(tf.mul(tf.expandDims(weights, 2), classes), 1);
  });
}

export interface KnnOptions extends NeighborOptions {
  readonly numClasses: number;
  /** See `VoteOptions`. */
  readonly temperature?: number;
}

/**
 * Weighted k-nearest-neighbour classification on frozen features, as scores for `classificationMetrics`: ops, quick in a
 * program of `@beit/compile`.
 * Papers: DINO, arXiv 2104.14294; the weights are those of Wu et al., arXiv 1805.01978.
 * Reference: facebookresearch/dino eval_knn.py @04c0ad9: features of centre crops, k of 10, 20, 100 and 200.
 *
 * @param train `[n, d]`, of any length
 * @param labels class indices, int32 `[n]`
 * @param queries `[queries, d]`, some hundred at a time
 * @returns `[queries, numClasses]`; see `neighborVotes`
 * @throws RangeError when shapes do not fit, and as `neighborVotes`
 */
export function knn(
  train: tf.Tensor2D,
  labels: tf.Tensor1D,
  queries: tf.Tensor2D,
  { numClasses, temperature, ...options }: KnnOptions,
): tf.Tensor2D {
  assertShape(labels, [train.shape[0]], 'The labels');
  // Ops, because an engine multiplies the matrices with all its cores; that it finds the neighbours that float64 finds is
  // tested.
  return tf.tidy(() => {
    const neighbors = nearestNeighbors(train, queries, options);
    return neighborVotes(neighbors, labels, { numClasses, temperature });
  });
}
