import { assertShape, patchify } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';

/**
 * Whole images from what is visible and what the model fills in: `completeTokens` for pixels.
 *
 * @param pixels `[batch, patches, channels * patchSize^2]`, from `pixels` of `createPixelRegression`
 * @param images `[batch, height, width, channels]`, normalized; only the visible patches are used
 * @param mask `[batch, patches]` float32, 1 = masked
 * @returns `[batch, height, width, channels]`, normalized; visible patches keep their bits
 * @throws RangeError when the shapes do not fit
 */
export function completePixels(pixels: tf.Tensor, images: tf.Tensor, mask: tf.Tensor): tf.Tensor4D {
  const [batch, height, width, channels] = images.shape as [number, number, number, number];
  const size = Math.sqrt(pixels.shape[2]! / channels);
  const visible = patchify(images, size);
  assertShape(pixels, visible.shape, 'The pixels');
  assertShape(mask, visible.shape.slice(0, 2), 'The mask');
  const patches = tf.where(tf.greater(tf.expandDims(mask, 2), 0.5), pixels, visible);
  const split = tf.reshape(patches, [batch, height / size, width / size, channels, size, size]);
  return tf.reshape(tf.transpose(split, [0, 1, 4, 2, 5, 3]), [batch, height, width, channels]);
}
