import * as tf from '@tensorflow/tfjs';

/**
 * Largest value of each 2x2 window, stride 2, as torch.nn.MaxPool2d(2).
 *
 * @param x `[batch, height, width, channels]`
 * @returns `[batch, floor(height / 2), floor(width / 2), channels]`
 * @throws RangeError for another rank, or a side of one pixel, of which nothing would be left
 */
export function maxPool2d(x: tf.Tensor): tf.Tensor4D {
  if (x.rank !== 4) {
    throw new RangeError(`maxPool2d input is [${x.shape}]; expected [batch, height, width, channels].`);
  }
  const [, height, width] = x.shape as [number, number, number];
  if (height < 2 || width < 2)
    throw new RangeError(`maxPool2d input is [${x.shape}]; expected at least 2 pixels along each side.`);
  return tf.maxPool(x as tf.Tensor4D, 2, 2, 'valid');
}
