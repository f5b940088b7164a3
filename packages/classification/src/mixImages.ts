import * as tf from '@tensorflow/tfjs';

/**
 * Every image of a batch mixed with the one in its mirrored place: `weights` of its own pixels, the rest of the other's.
 *
 * @param images `[batch, height, width, 3]`
 * @param weights `[1, height, width, 1]` in [0, 1]; see `drawMix`
 */
export const mixImages = (images: tf.Tensor, weights: tf.Tensor): tf.Tensor4D =>
  tf.add(tf.mul(images, weights), tf.mul(tf.reverse(images, 0), tf.sub(1, weights))) as tf.Tensor4D;
