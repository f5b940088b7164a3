import * as tf from '@tensorflow/tfjs';

/**
 * Bilinear upsampling by a whole factor, as torch.nn.functional.interpolate(mode='bilinear', align_corners=False).
 * Beyond an edge the edge pixel counts.
 *
 * @param x `[batch, height, width, channels]`
 * @param factor a positive integer, both ways; default 2
 * @returns `[batch, height * factor, width * factor, channels]`
 * @throws RangeError for another rank or factor
 */
export function upsampleBilinear2d(x: tf.Tensor, factor = 2): tf.Tensor4D {
  if (x.rank !== 4) {
    throw new RangeError(
      `upsampleBilinear2d input is [${x.shape}]; expected [batch, height, width, channels].`,
    );
  }
  if (!Number.isSafeInteger(factor) || factor < 1) {
    throw new RangeError(`upsampleBilinear2d factor is ${factor}; expected a positive integer.`);
  }
  if (factor === 1) return tf.clone(x) as tf.Tensor4D;
  const [, height, width] = x.shape as [number, number, number, number];
  return tf.customGrad((input) => ({
    value: tf.image.resizeBilinear(
      input as tf.Tensor4D,
      [height * factor, width * factor],
      /* alignCorners */ false,
      /* halfPixelCenters */ true,
    ),
    // TensorFlow.js's own gradient is of corners that are not half a pixel off (4.22).
    gradFunc: (dy: tf.Tensor) => gathered(gathered(dy, 1, factor), 2, factor),
  }))(x) as tf.Tensor4D;
}

/**
 * The transpose of upsampling along one axis. New pixel k of old pixel i is `(1 - share) * x[i] + share * x[i - 1]` where
 * it lies before the old one's centre, with x[i + 1] where it lies behind, and the edge pixel stands in for what is beyond.
 */
function gathered(dy: tf.Tensor, axis: 1 | 2, factor: number): tf.Tensor {
  const [batch, height, width, channels] = dy.shape as [number, number, number, number];
  const size = dy.shape[axis]! / factor;
  const split =
    axis === 1 ? [batch, size, factor, width * channels] : [batch * height, size, factor, channels];
  const whole = axis === 1 ? [batch, size, width, channels] : [batch, height, size, channels];
  const copies = tf.split(tf.reshape(dy, split), factor, 2);
  // Where the centre of the k-th new pixel lies, in old pixels from the centre of the old one.
  const offsets = copies.map((_, k) => (k + 0.5) / factor - 0.5);
  const weighted = (weight: (offset: number) => number): tf.Tensor =>
    copies
      .flatMap((copy, k) => (weight(offsets[k]!) === 0 ? [] : [tf.mul(copy, weight(offsets[k]!))]))
      .reduce((a, b) => tf.add(a, b));
  const own = weighted((offset) => 1 - Math.abs(offset));
  const toPrevious = weighted((offset) => Math.max(0, -offset));
  const toNext = weighted((offset) => Math.max(0, offset));
  const part = (x: tf.Tensor, begin: number, length: number) =>
    tf.slice(x, [0, begin, 0, 0], [split[0]!, length, 1, split[3]!]);
  const fromNext =
    size === 1 ? toNext : tf.concat([part(toPrevious, 1, size - 1), part(toNext, size - 1, 1)], 1);
  const fromPrevious =
    size === 1 ? toPrevious : tf.concat([part(toPrevious, 0, 1), part(toNext, 0, size - 1)], 1);
  return tf.reshape(tf.add(own, tf.add(fromNext, fromPrevious)), whole);
}
