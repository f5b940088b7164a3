import * as tf from '@tensorflow/tfjs';

/**
 * Every pixel repeated, as torch.nn.Upsample(scale_factor, mode='nearest').
 *
 * @param x `[batch, height, width, channels]`
 * @param factor a positive integer, both ways; default 2
 * @returns `[batch, height * factor, width * factor, channels]`
 */
export function upsample2d(x: tf.Tensor, factor = 2): tf.Tensor4D {
  if (x.rank !== 4) {
    throw new RangeError(`upsample2d input is [${x.shape}]; expected [batch, height, width, channels].`);
  }
  if (!Number.isSafeInteger(factor) || factor < 1) {
    throw new RangeError(`upsample2d factor is ${factor}; expected a positive integer.`);
  }
  const [, height, width] = x.shape as [number, number, number, number];
  return tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [height * factor, width * factor], false, false);
}
