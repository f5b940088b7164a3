import * as tf from '@tensorflow/tfjs';

/** Rec. 601, as Pillow's L before it rounds. */
const LUMA = [0.299, 0.587, 0.114];

/**
 * Pictures as an encoder takes them: resized bilinearly where they are of another size, gray where it takes one channel,
 * normalized.
 *
 * @param pictures `[batch, height, width, 3]` in [0, 1], such as a decoder's
 * @param imageSize `[height, width]` of the encoder
 * @param normalization a mean and a standard deviation for each channel, three or one
 * @returns `[batch, ...imageSize, channels]`
 */
export function encoderImages(
  pictures: tf.Tensor,
  [height, width]: readonly [number, number],
  { mean, std }: { readonly mean: readonly number[]; readonly std: readonly number[] },
): tf.Tensor4D {
  const isOfSize = pictures.shape[1] === height && pictures.shape[2] === width;
  const resized = isOfSize
    ? pictures
    : tf.image.resizeBilinear(pictures as tf.Tensor4D, [height, width], false, true);
  const channels = mean.length === 1 ? tf.sum(tf.mul(resized, tf.tensor1d(LUMA)), -1, true) : resized;
  return tf.div(tf.sub(channels, tf.tensor1d([...mean])), tf.tensor1d([...std]));
}
