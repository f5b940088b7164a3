import * as tf from '@tensorflow/tfjs';

/**
 * Some positions of every sequence.
 *
 * @param x `[batch, length, width]`
 * @param positions `[batch, count]` int32 in [0, length)
 * @returns `[batch, count, width]`
 */
export function gatherPositions(x: tf.Tensor, positions: tf.Tensor): tf.Tensor3D {
  const [batch, length, width] = x.shape as [number, number, number];
  const firstRows = tf.reshape(tf.range(0, batch * length, length, 'int32'), [batch, 1]);
  const rows = tf.reshape(tf.add(positions, firstRows), [-1]);
  const gathered = tf.gather(tf.reshape(x, [batch * length, width]), rows);
  return tf.reshape(gathered, [batch, positions.shape[1]!, width]);
}
