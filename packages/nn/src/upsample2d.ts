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
  return tf.customGrad((input) => ({
    value: tf.image.resizeNearestNeighbor(
      input as tf.Tensor4D,
      [height * factor, width * factor],
      false,
      false,
    ),
    // A sum over each square. TensorFlow.js's own gradient on the CPU reads the wrong image of a batch (4.22).
    gradFunc: (dy: tf.Tensor) =>
      tf.mul(tf.avgPool(dy as tf.Tensor4D, factor, factor, 'valid'), factor * factor),
  }))(x) as tf.Tensor4D;
}
