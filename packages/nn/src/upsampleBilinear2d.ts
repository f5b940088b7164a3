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
  const [batch, height, width, channels] = x.shape as [number, number, number, number];
  if (factor === 1) return tf.clone(x) as tf.Tensor4D;
  // The copies of a row lie one after the other: beside each other along the next axis, which a reshape turns over.
  const tall = tf.reshape(tf.concat(phases(x, 1, factor), 2), [batch, height * factor, width, channels]);
  const wide = tf.concat(phases(tall, 2, factor), 3);
  return tf.reshape(wide, [batch, height * factor, width * factor, channels]);
}

/** The `factor` values that stand for each one along an axis, those of the first place first. */
function phases(x: tf.Tensor, axis: 1 | 2, factor: number): tf.Tensor[] {
  const size = x.shape[axis]!;
  const part = (begin: number, length: number) => {
    const from = [0, 0, 0, 0];
    const shape = [...x.shape];
    from[axis] = begin;
    shape[axis] = length;
    return tf.slice(x, from, shape);
  };
  const before = size === 1 ? x : tf.concat([part(0, 1), part(0, size - 1)], axis);
  const after = size === 1 ? x : tf.concat([part(1, size - 1), part(size - 1, 1)], axis);
  return Array.from({ length: factor }, (_, k) => {
    // Where the centre of the k-th new pixel lies, in old pixels from the centre of the old one.
    const offset = (k + 0.5) / factor - 0.5;
    if (offset === 0) return x;
    const [other, share] = offset < 0 ? [before, -offset] : [after, offset];
    return tf.add(tf.mul(x, 1 - share), tf.mul(other, share));
  });
}
