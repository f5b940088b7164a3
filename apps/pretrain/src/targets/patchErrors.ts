import type { Normalization } from '@beit/data';
import { patchify } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';

/**
 * How far predicted patches are from the actual ones: mean squared errors over the sub-pixels of each patch, all
 * `[batch, patches]`.
 *
 * @param pixels `[batch, patches, channels * patchSize^2]`, normalized, in the order of `patchify`
 * @param images `[batch, height, width, channels]`, normalized
 * @param mask `[batch, patches]`, 1 = masked
 * @param std by which the channels were divided
 */
export function patchErrors(
  pixels: tf.Tensor,
  images: tf.Tensor,
  mask: tf.Tensor,
  std: Normalization['std'],
) {
  const [batch, patches, subpixels] = pixels.shape as [number, number, number];
  const channels = std.length;
  const area = subpixels / channels;
  const byChannel = (x: tf.Tensor) => tf.reshape(x, [batch, patches, channels, area]);
  const actual = byChannel(patchify(images, Math.sqrt(area)));
  const squared = tf.square(tf.sub(byChannel(pixels), actual));

  const visible = tf.reshape(tf.sub(1, mask), [batch, patches, 1, 1]);
  const colors = tf.mul(tf.mean(actual, 3, true), visible);
  const meanColor = tf.div(tf.sum(colors, 1, true), tf.maximum(tf.sum(visible, 1, true), 1)); // [batch, 1, channels, 1]

  const mean = (errors: tf.Tensor) => tf.mean(errors, [2, 3]) as tf.Tensor;
  const unit = tf.tensor(
    std.map((s) => s * s),
    [channels, 1],
  );
  return {
    /** In normalized units. */
    normalized: mean(squared),
    /** The error of pixels in [0, 1]. */
    mse: mean(tf.mul(squared, unit)),
    /** The same of the mean colour of the image's visible patches: what is known without a model. */
    meanColorMse: mean(tf.mul(tf.square(tf.sub(actual, meanColor)), unit)),
  };
}

/** Mean squared error of pixels in [0, 1] as a peak signal-to-noise ratio, dB. */
export const decibels = (meanSquaredError: number): number => -10 * Math.log10(meanSquaredError);

/** For people: `n/a` where there is no error, or nothing that it could be of. */
export const formatDecibels = (value: number, digits = 2): string =>
  Number.isFinite(value) ? `${value.toFixed(digits)} dB` : 'n/a';
