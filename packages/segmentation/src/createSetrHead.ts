import {
  assertShape,
  batchNorm,
  batchNormInference,
  type ChannelStatistics,
  constant,
  conv2d,
  LAYER_NORM_EPSILON,
  layerNorm,
  linear,
  moveStatistics,
  normal,
  upsampleBilinear2d,
} from '@beit/nn';
import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';

export type TensorParams = Readonly<Record<string, tf.Tensor>>;

export interface SetrHeadConfig {
  readonly embedDim: number;
  readonly numClasses: number;
  /** Of the convolutions. Default 256. */
  readonly channels?: number;
  /** Each is followed by an upsampling. Default 4. */
  readonly numConvs?: number;
  /** Of one upsampling. Default 2. */
  readonly upScale?: number;
  /** What the names of its parameters begin with. Default `decode_head`. */
  readonly name?: string;
}

export interface SetrHead {
  /** Pixels of the logits for one of the features, along a side. */
  readonly totalScale: number;
  init(random: Random): NamedTensors;
  /**
   * With the running statistics, as in evaluation.
   *
   * @param features `[batch, rows, columns, embedDim]`
   * @returns `[batch, rows * totalScale, columns * totalScale, numClasses]`
   */
  logits(params: TensorParams, features: tf.Tensor): tf.Tensor4D;
  /** With the statistics of the batch; `statistics` has the next running ones under their names. */
  trainingLogits(
    params: TensorParams,
    features: tf.Tensor,
  ): { readonly logits: tf.Tensor4D; readonly statistics: Record<string, tf.Tensor> };
}

/** mmsegmentation's `conv_seg`. */
const CLASSIFIER_STD = 0.01;

/**
 * The progressive upsampling of SETR (PUP): layer norm, then convolution, batch norm, ReLU and bilinear upsampling, several
 * times, and a classifier of pixels. With one or two convolutions and an `upScale` of 4 it is SETR's auxiliary head, with
 * two convolutions of one pixel its naive one.
 * Paper: SETR, arXiv 2012.15840, section 3.2. Reference: mmsegmentation models/decode_heads/setr_up_head.py, and its names.
 *
 * The classifier comes before the last upsampling, as in SETR's own code: both are linear, and the bilinear weights of a
 * pixel sum to 1, so the order does not matter to the logits; this one takes a quarter of the time and memory.
 *
 * @throws RangeError when a size is not a positive integer
 */
export function createSetrHead({
  embedDim,
  numClasses,
  channels = 256,
  numConvs = 4,
  upScale = 2,
  name = 'decode_head',
}: SetrHeadConfig): SetrHead {
  for (const [what, value] of Object.entries({ embedDim, numClasses, channels, numConvs, upScale })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${what} is ${value}; expected a positive integer.`);
    }
  }
  const convs = Array.from({ length: numConvs }, (_, i) => `${name}.up_convs.${i}.0`);
  const widthInto = (i: number) => (i === 0 ? embedDim : channels);

  function init(random: Random): NamedTensors {
    // Kaiming's, for the ReLU behind it, by the number of outputs.
    const std = Math.sqrt(2 / (channels * 9));
    return {
      [`${name}.norm.weight`]: constant([embedDim], 1),
      [`${name}.norm.bias`]: constant([embedDim], 0),
      ...Object.assign(
        {},
        ...convs.map((conv, i) => ({
          [`${conv}.conv.weight`]: normal(random, [channels, widthInto(i), 3, 3], std),
          [`${conv}.bn.weight`]: constant([channels], 1),
          [`${conv}.bn.bias`]: constant([channels], 0),
          [`${conv}.bn.running_mean`]: constant([channels], 0),
          [`${conv}.bn.running_var`]: constant([channels], 1),
        })),
      ),
      [`${name}.conv_seg.weight`]: normal(random, [numClasses, channels, 1, 1], CLASSIFIER_STD),
      [`${name}.conv_seg.bias`]: constant([numClasses], 0),
    };
  }

  function apply(
    params: TensorParams,
    features: tf.Tensor,
    normalize: (x: tf.Tensor, conv: string) => tf.Tensor,
  ): tf.Tensor4D {
    assertShape(features, [-1, -1, -1, embedDim], 'The features');
    const param = (key: string): tf.Tensor => {
      const found = params[key];
      if (!found) throw new Error(`The parameters have no '${key}'.`);
      return found;
    };
    let x = layerNorm(features, param(`${name}.norm.weight`), param(`${name}.norm.bias`), LAYER_NORM_EPSILON);
    convs.forEach((conv, i) => {
      if (i > 0) x = upsampleBilinear2d(x, upScale);
      x = tf.relu(normalize(conv2d(x, param(`${conv}.conv.weight`)), conv));
    });
    const classify = tf.reshape(param(`${name}.conv_seg.weight`), [numClasses, channels]);
    return upsampleBilinear2d(linear(x, classify, param(`${name}.conv_seg.bias`)), upScale);
  }

  const runningOf = (params: TensorParams, conv: string): ChannelStatistics => ({
    mean: params[`${conv}.bn.running_mean`]!,
    variance: params[`${conv}.bn.running_var`]!,
  });
  const affineOf = (params: TensorParams, conv: string) =>
    [params[`${conv}.bn.weight`]!, params[`${conv}.bn.bias`]!] as const;

  return {
    totalScale: upScale ** numConvs,
    init,
    logits: (params, features) =>
      apply(params, features, (x, conv) =>
        batchNormInference(x, ...affineOf(params, conv), runningOf(params, conv)),
      ),
    trainingLogits(params, features) {
      const statistics: Record<string, tf.Tensor> = {};
      const logits = apply(params, features, (x, conv) => {
        const { output, batch } = batchNorm(x, ...affineOf(params, conv));
        const { mean, variance } = moveStatistics(runningOf(params, conv), batch, x.size / channels);
        statistics[`${conv}.bn.running_mean`] = mean;
        statistics[`${conv}.bn.running_var`] = variance;
        return output;
      });
      return { logits, statistics };
    },
  };
}
