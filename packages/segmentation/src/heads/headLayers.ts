/** The layers that mmsegmentation builds heads from, under its names, and their first values. */
import type { TensorParams } from '@beit/nn';
import {
  batchNorm,
  batchNormInference,
  constant,
  conv2d,
  linear,
  normal,
  updateRunningStatistics,
} from '@beit/nn';
import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';

export interface HeadLayers {
  /** @throws Error when there is none of this name */
  param(name: string): tf.Tensor;
  batchNorm(x: tf.Tensor, name: string): tf.Tensor;
  /** `ConvModule`: convolution without a bias, batch norm, ReLU. */
  convModule(x: tf.Tensor, name: string): tf.Tensor;
  /** A convolution of one pixel, with a bias. */
  classify(x: tf.Tensor, name: string): tf.Tensor;
}

/**
 * @param statistics takes the next running statistics under their names; batch norm is by the statistics of the batch then.
 *   Left out: by the running ones.
 */
export function headLayers(params: TensorParams, statistics?: Record<string, tf.Tensor>): HeadLayers {
  const param = (name: string): tf.Tensor => {
    const found = params[name];
    if (!found) throw new Error(`The parameters have no '${name}'.`);
    return found;
  };

  function normalized(x: tf.Tensor, name: string): tf.Tensor {
    const [weight, bias] = [param(`${name}.weight`), param(`${name}.bias`)];
    const running = { mean: param(`${name}.running_mean`), variance: param(`${name}.running_var`) };
    if (!statistics) return batchNormInference(x, weight, bias, running);
    const { output, batch } = batchNorm(x, weight, bias);
    const { mean, variance } = updateRunningStatistics(running, batch, x.size / weight.size);
    statistics[`${name}.running_mean`] = mean;
    statistics[`${name}.running_var`] = variance;
    return output;
  }

  return {
    param,
    batchNorm: normalized,
    convModule(x, name) {
      const weight = param(`${name}.conv.weight`);
      const [out, into, rows] = weight.shape as [number, number, number];
      const y = rows === 1 ? linear(x, tf.reshape(weight, [out, into])) : conv2d(x, weight);
      return tf.relu(normalized(y, `${name}.bn`));
    },
    classify(x, name) {
      const weight = param(`${name}.weight`);
      return linear(x, tf.reshape(weight, weight.shape.slice(0, 2)), param(`${name}.bias`));
    },
  };
}

export const initBatchNorm = (channels: number, name: string): NamedTensors => ({
  [`${name}.weight`]: constant([channels], 1),
  [`${name}.bias`]: constant([channels], 0),
  [`${name}.running_mean`]: constant([channels], 0),
  [`${name}.running_var`]: constant([channels], 1),
});

/** @param size of the kernel, pixels along a side */
export const initConvModule = (
  random: Random,
  name: string,
  { into, out, size }: { readonly into: number; readonly out: number; readonly size: number },
): NamedTensors => ({
  // Kaiming's, for the ReLU behind it, by the number of outputs.
  [`${name}.conv.weight`]: normal(random, [out, into, size, size], Math.sqrt(2 / (out * size ** 2))),
  ...initBatchNorm(out, `${name}.bn`),
});

/** First values of `ConvModule`s, one behind the other; `size` is that of their kernels. */
export const initConvModules = (
  random: Random,
  names: readonly string[],
  embedDim: number,
  channels: number,
  size = 3,
): NamedTensors =>
  Object.assign(
    {},
    ...names.map((name, i) =>
      initConvModule(random, name, { into: i === 0 ? embedDim : channels, out: channels, size }),
    ),
  );

/** mmsegmentation's `conv_seg`. */
const CLASSIFIER_STD = 0.01;

export const initClassifier = (
  random: Random,
  name: string,
  channels: number,
  numClasses: number,
): NamedTensors => ({
  [`${name}.weight`]: normal(random, [numClasses, channels, 1, 1], CLASSIFIER_STD),
  [`${name}.bias`]: constant([numClasses], 0),
});
