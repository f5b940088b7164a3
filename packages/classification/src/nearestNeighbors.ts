import { assertShape } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';

export interface NeighborOptions {
  /** How many; all that there are where there are fewer. Default 20, which DINO's code recommends. */
  readonly k?: number;
  /** `[queries]`: which training image each query is itself, and which is then no neighbour of it. */
  readonly own?: tf.Tensor1D;
}

/** Nearest first; equally near ones, as far as the engine sums alike, in the order of the training images. */
export interface Neighbors {
  /** Indices of training images, int32 `[queries, k]`. */
  readonly indices: tf.Tensor2D;
  /** Cosines, float32 `[queries, k]`, in [-1, 1]. */
  readonly similarities: tf.Tensor2D;
}

/** Larger than the largest difference of two cosines. */
const OUT_OF_REACH = 4;

/**
 * The training images whose features have the largest cosine with each query's. A row of zeros has cosine 0 with all. All
 * `[queries, n]` similarities are in memory: of many queries take some hundred at a time.
 *
 * @param train `[n, d]`, of any length
 * @param queries `[queries, d]`
 * @throws RangeError when shapes do not fit or there is nothing to choose from
 */
export function nearestNeighbors(
  train: tf.Tensor2D,
  queries: tf.Tensor2D,
  { k = 20, own }: NeighborOptions = {},
): Neighbors {
  const [n, d] = train.shape;
  assertShape(queries, [-1, d], 'The queries');
  if (own) assertShape(own, [queries.shape[0]], 'What the queries are themselves');
  if (!Number.isSafeInteger(k) || k < 1) throw new RangeError(`k is ${k}; expected a positive integer.`);
  const others = own ? n - 1 : n;
  if (others < 1) {
    throw new RangeError(
      `There are ${n} training images; expected at least ${own ? 2 : 1}, so that there are neighbours.`,
    );
  }
  const { values, indices } = tf.tidy(() => {
    const cosines = tf.matMul(normalized(queries), normalized(train), false, true);
    return tf.topk(
      own ? tf.sub(cosines, tf.mul(tf.oneHot(own, n), OUT_OF_REACH)) : cosines,
      Math.min(k, others),
    );
  });
  return { indices: indices as tf.Tensor2D, similarities: values as tf.Tensor2D };
}

/** Rows of length 1, as torch.nn.functional.normalize makes them. */
const normalized = (x: tf.Tensor2D): tf.Tensor2D =>
  tf.div(x, tf.maximum(tf.sqrt(tf.sum(tf.square(x), 1, true)), 1e-12));
