import * as tf from '@tensorflow/tfjs';
import { assertShape } from './assertShape';
import { sumRows, toRows } from './rows';

/** torch's default. */
export const BATCH_NORM_EPSILON = 1e-5;
/** Weight of the batch in the running statistics; torch's default. */
export const BATCH_NORM_MOMENTUM = 0.1;

/** Mean and variance of every channel, `[channels]` each. */
export interface ChannelStatistics {
  readonly mean: tf.Tensor;
  readonly variance: tf.Tensor;
}

export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

/**
 * Batch normalization with the statistics of this batch, as torch.nn.BatchNorm2d in training, with its gradient in
 * closed form: that of layer normalization, along the other axes.
 *
 * @param x `[..., channels]`
 * @param scale `[channels]`
 * @param offset `[channels]`
 * @returns `output` of the shape of `x`, and the statistics of this batch for `updateRunningStatistics`; they have no gradient
 * @throws RangeError when the shapes do not fit
 */
export function batchNorm(
  x: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
  { epsilon = BATCH_NORM_EPSILON }: BatchNormOptions = {},
): { readonly output: tf.Tensor; readonly batch: ChannelStatistics } {
  assertChannels(x, { scale, offset });
  const batch = statisticsOf(x);
  const output = tf.customGrad((...args) => {
    const [input, weight, bias, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const inverseDeviation = tf.rsqrt(tf.add(batch.variance, epsilon));
    save([input, weight, batch.mean, inverseDeviation]);
    return {
      value: normalize(input, batch.mean, inverseDeviation, weight, bias),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [xs, w, mean, inverse] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        const normalized = tf.mul(tf.sub(xs, mean), inverse);
        const [dScale, dOffset] = [sumRows(tf.mul(dy, normalized)), sumRows(dy)];
        const rows = xs.size / w.size;
        const along = tf.add(tf.mul(normalized, tf.div(dScale, rows)), tf.div(dOffset, rows));
        return [tf.mul(tf.sub(dy, along), tf.mul(w, inverse)), dScale, dOffset];
      },
    };
  })(x, scale, offset);
  return { output, batch };
}

/**
 * Batch normalization with given statistics, as torch.nn.BatchNorm2d in evaluation.
 *
 * @param x `[..., channels]`
 * @param scale `[channels]`
 * @param offset `[channels]`
 * @returns the shape of `x`
 * @throws RangeError when the shapes do not fit
 */
export function batchNormInference(
  x: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
  { mean, variance }: ChannelStatistics,
  { epsilon = BATCH_NORM_EPSILON }: BatchNormOptions = {},
): tf.Tensor {
  assertChannels(x, { scale, offset, mean, variance });
  return normalize(x, mean, tf.rsqrt(tf.add(variance, epsilon)), scale, offset);
}

/**
 * Running statistics, moved towards a batch's: `(1 - momentum) * running + momentum * batch`, with the unbiased variance
 * of the batch, as torch has it. All are `[channels]`.
 *
 * @param rows how many values of a channel the batch has
 */
export function updateRunningStatistics(
  running: ChannelStatistics,
  batch: ChannelStatistics,
  rows: number,
  momentum = BATCH_NORM_MOMENTUM,
): ChannelStatistics {
  const moved = (from: tf.Tensor, to: tf.Tensor) => tf.add(from, tf.mul(tf.sub(to, from), momentum));
  const unbiased = tf.mul(batch.variance, rows / Math.max(1, rows - 1));
  return { mean: moved(running.mean, batch.mean), variance: moved(running.variance, unbiased) };
}

/** Population mean and variance. */
function statisticsOf(x: tf.Tensor): ChannelStatistics {
  const rows = toRows(x);
  const mean = tf.mean(rows, 0);
  return { mean, variance: tf.mean(tf.square(tf.sub(rows, mean)), 0) };
}

function normalize(
  x: tf.Tensor,
  mean: tf.Tensor,
  inverseDeviation: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
): tf.Tensor {
  // One product and one sum for each element.
  const factor = tf.mul(scale, inverseDeviation);
  return tf.add(tf.mul(x, factor), tf.sub(offset, tf.mul(mean, factor)));
}

function assertChannels(x: tf.Tensor, vectors: Readonly<Record<string, tf.Tensor>>): void {
  if (x.rank === 0) throw new RangeError('Batch normalization of a scalar; expected [..., channels].');
  for (const [name, vector] of Object.entries(vectors))
    assertShape(vector, [x.shape.at(-1)!], `The ${name} of a batch normalization`);
}
