import * as tf from '@tensorflow/tfjs';

/**
 * Images as rows of patches, each patch's pixels channel by channel, as the weights of a patch convolution have them.
 *
 * @param images `[batch, height, width, channels]`, sides multiples of `patchSize`
 * @returns `[batch, rows * columns, channels * patchSize * patchSize]`, patches row-major
 */
export function patchify(images: tf.Tensor, patchSize: number): tf.Tensor3D {
  const [batch, height, width, channels] = images.shape as [number, number, number, number];
  if (height % patchSize !== 0 || width % patchSize !== 0) {
    throw new RangeError(`Images of ${height}x${width} pixels do not split into patches of ${patchSize}.`);
  }
  const [rows, columns] = [height / patchSize, width / patchSize];
  const split = tf.reshape(images, [batch, rows, patchSize, columns, patchSize, channels]);
  const patches = tf.transpose(split, [0, 1, 3, 5, 2, 4]);
  return tf.reshape(patches, [batch, rows * columns, channels * patchSize * patchSize]);
}
