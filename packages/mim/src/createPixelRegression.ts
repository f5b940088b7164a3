import type { Backbone, TensorParams } from '@beit/nn';
import { assertShape, constant, gatherPositions, linear, patchify, weightedMean } from '@beit/nn';
import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { createMaskedEncoder, drawWeight, type MaskedPositions } from './maskedEncoder';

export interface PixelRegressionConfig {
  readonly backbone: Backbone<'features'>;
  /** Side of a patch, pixels; images are of `gridSize[0] * patchSize` rows and `gridSize[1] * patchSize` columns of them. */
  readonly patchSize: number;
  /** Of the images. Default 3. */
  readonly inChannels?: number;
  /** Epsilon of the final norm. Default 1e-6. */
  readonly layerNormEpsilon?: number;
}

export interface PixelOutputs {
  /** Mean squared error over all sub-pixels of all masked patches of the batch, in the images' normalized units. */
  loss: tf.Scalar;
}

export interface PixelRegression {
  readonly patchSize: number;
  readonly backbone: Backbone<'features'>;
  /** Parameters of the backbone and of what is added: `mask_token`, `norm.*`, `pixel_head.*`. */
  init(random: Random): NamedTensors;
  /**
   * Pixels of every patch, `[batch, patches, inChannels * patchSize^2]` in the order of `patchify` of `@beit/nn`: channel by
   * channel. `mask` is `[batch, patches]` float32, 1 = masked.
   */
  pixels(params: TensorParams, images: tf.Tensor, mask: tf.Tensor): tf.Tensor3D;
  /** The objective. `images` are both what is corrupted and what is to be predicted. */
  loss(
    params: TensorParams,
    images: tf.Tensor,
    masked: MaskedPositions,
    dropPathKeeps?: tf.Tensor,
  ): PixelOutputs;
}

/**
 * The paper's ablation without visual tokens: regression of the raw pixels of the patches that are hidden, with the
 * same corruption and encoder as `createMim` and a linear head. The paper gives no code and no formula; the loss here
 * is the mean squared error of pixels normalized as the encoder sees them, without normalization by patch.
 * Paper: BEiT, section 3.3 and table 4.
 *
 * @throws RangeError when the side of a patch is no whole number of pixels
 */
export function createPixelRegression({
  backbone,
  patchSize,
  inChannels = 3,
  layerNormEpsilon = 1e-6,
}: PixelRegressionConfig): PixelRegression {
  if (!Number.isSafeInteger(patchSize) || patchSize < 1) {
    throw new RangeError(`patchSize is ${patchSize}; expected a whole number of pixels of at least 1.`);
  }
  const encoder = createMaskedEncoder(backbone, layerNormEpsilon);
  const [rows, columns] = backbone.gridSize;
  const subpixels = inChannels * patchSize * patchSize;

  const head = (params: TensorParams, features: tf.Tensor) =>
    linear(features, params['pixel_head.weight']!, params['pixel_head.bias']) as tf.Tensor3D;

  function loss(
    params: TensorParams,
    images: tf.Tensor,
    masked: MaskedPositions,
    dropPathKeeps?: tf.Tensor,
  ): PixelOutputs {
    assertShape(images, [-1, rows * patchSize, columns * patchSize, inChannels], 'The images');
    const predicted = head(params, encoder.maskedFeatures(params, images, masked, dropPathKeeps));
    const actual = gatherPositions(patchify(images, patchSize), masked.positions);
    const errors = tf.mean(tf.square(tf.sub(predicted, actual)), 2);
    return { loss: weightedMean(errors, masked.weights) };
  }

  return {
    patchSize,
    backbone,
    init: (random) => ({
      ...encoder.init(random),
      'pixel_head.weight': drawWeight(random, [subpixels, backbone.embedDim]),
      'pixel_head.bias': constant([subpixels], 0),
    }),
    pixels: (params, images, mask) => head(params, encoder.patchFeatures(params, images, mask)),
    loss,
  };
}
