import type { TensorParams } from '@beit/nn';
import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import { type HeadLayers, headLayers } from './headLayers';

/** From features of a backbone to a class for every pixel, or for every few. */
export interface SegmentationHead {
  init(random: Random): NamedTensors;
  /**
   * With the running statistics, as in evaluation.
   *
   * @param features `[batch, rows, columns, embedDim]` each
   * @returns `[batch, rows * k, columns * k, numClasses]`; k is the head's own
   */
  logits(params: TensorParams, features: readonly tf.Tensor[]): tf.Tensor4D;
  /** With the statistics of the batch; `statistics` has the next running ones under their names. */
  trainingLogits(
    params: TensorParams,
    features: readonly tf.Tensor[],
  ): { readonly logits: tf.Tensor4D; readonly statistics: Record<string, tf.Tensor> };
}

/** A head from how it is applied to features, whatever statistics it normalizes by. */
export function segmentationHead(
  init: SegmentationHead['init'],
  apply: (layers: HeadLayers, features: readonly tf.Tensor[]) => tf.Tensor4D,
): SegmentationHead {
  return {
    init,
    logits: (params, features) => apply(headLayers(params), features),
    trainingLogits(params, features) {
      const statistics: Record<string, tf.Tensor> = {};
      return { logits: apply(headLayers(params, statistics), features), statistics };
    },
  };
}

/** Far above what heads have. */
const MOST_CHANNELS = 65_536;
const MOST: Readonly<Record<string, number>> = { numConvs: 64, upScale: 64 };

/** @throws RangeError when one is not a positive integer, or more than any head has */
export function assertSizes(sizes: Readonly<Record<string, number>>): void {
  for (const [what, value] of Object.entries(sizes)) {
    const most = MOST[what] ?? MOST_CHANNELS;
    if (!Number.isSafeInteger(value) || value < 1 || value > most) {
      throw new RangeError(`${what} is ${value}; expected an integer from 1 to ${most}.`);
    }
  }
}
