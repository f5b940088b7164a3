import * as tf from '@tensorflow/tfjs';

/**
 * Stochastic depth: the residual branch of some images is left out, and that of the others scaled up to make up for it.
 * Paper: Huang et al., arXiv 1603.09382. Reference: timm layers/drop.py.
 *
 * @param branch `[batch, ...]`
 * @param keep `[batch]`, 0 or 1, drawn with probability 1 - rate of 1
 * @param rate in [0, 1)
 */
export function dropPath(branch: tf.Tensor, keep: tf.Tensor, rate: number): tf.Tensor {
  if (rate === 0) return branch;
  const scale = tf.reshape(tf.mul(keep, 1 / (1 - rate)), [-1, ...branch.shape.slice(1).map(() => 1)]);
  return tf.mul(branch, scale);
}

/** A rate for each block, linear from 0 in the first to `rate` in the last, as BEiT and timm. */
export const dropPathRates = (rate: number, depth: number): number[] =>
  Array.from({ length: depth }, (_, i) => (depth === 1 ? 0 : (rate * i) / (depth - 1)));
