import * as tf from '@tensorflow/tfjs';

/**
 * Some positions of every sequence. A product with a one-hot matrix: small, static, and its gradient is the
 * transposed product, where a gather's would scatter.
 *
 * @param x `[batch, length, width]`
 * @param positions `[batch, count]` int32 in [0, length)
 * @returns `[batch, count, width]`
 */
export function gatherPositions(x: tf.Tensor, positions: tf.Tensor): tf.Tensor3D {
  const [, length] = x.shape as [number, number, number];
  const selection = tf.cast(tf.oneHot(positions as tf.Tensor2D, length), 'float32');
  return tf.matMul(selection, x) as tf.Tensor3D;
}
