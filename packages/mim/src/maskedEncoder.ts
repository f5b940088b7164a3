import type { Backbone, TensorParams } from '@beit/nn';
import { assertShape, constant, gatherPositions, layerNorm, truncatedNormal } from '@beit/nn';
import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';

/** Which patches are masked, as fixed-size lists; `toMaskedPositions` of `@beit/masking` makes them. */
export type MaskedPositions = {
  /** `[batch, maxMasked]` int32, patch indices in row-major order; distinct where the weight is 1. */
  positions: tf.Tensor;
  /** `[batch, maxMasked]`, 1 for a masked patch, 0 for padding. */
  weights: tf.Tensor;
};

export interface EncodeMaskedOptions {
  /** `[depth, 2, batch]`; see `drawDropPathKeeps` of `@beit/vit`. */
  readonly dropPathKeeps?: tf.Tensor;
  /** `[batch, count]` int32, indices of the patches whose features are wanted; left out: all tokens. */
  readonly positions?: tf.Tensor;
}

/** What every target of the prediction has in common: the corruption, and the encoder that sees it. */
export interface MaskedEncoder {
  readonly patches: number;
  /** Parameters of the backbone and `mask_token`, `norm.*`. */
  init(random: Random): NamedTensors;
  /**
   * Features of the corrupted images after the final norm: of all tokens, `[batch, 1 + patches, embedDim]`, or, with
   * `positions`, of these patches alone. `mask` is `[batch, patches]` float32, 1 = masked.
   */
  encodeMasked(
    params: TensorParams,
    images: tf.Tensor,
    mask: tf.Tensor,
    options?: EncodeMaskedOptions,
  ): tf.Tensor;
  /** Features of every patch, `[batch, patches, embedDim]`. */
  patchFeatures(params: TensorParams, images: tf.Tensor, mask: tf.Tensor): tf.Tensor;
  /** Features of the masked patches alone, `[batch, maxMasked, embedDim]`. */
  maskedFeatures(
    params: TensorParams,
    images: tf.Tensor,
    masked: MaskedPositions,
    dropPathKeeps?: tf.Tensor,
  ): tf.Tensor;
}

const INIT_STD = 0.02;

/** Initial values as the official code has them for what is added to a backbone. */
export const drawWeight = (random: Random, shape: readonly number[]) =>
  truncatedNormal(random, shape, INIT_STD, INIT_STD);

/** An encoder of images in which masked patches are replaced by a learned embedding. Paper: BEiT, section 2.3. */
export function createMaskedEncoder(backbone: Backbone<'features'>, layerNormEpsilon: number): MaskedEncoder {
  const { gridSize, embedDim } = backbone;
  const patches = gridSize[0] * gridSize[1];
  const withoutCls = (features: tf.Tensor) => tf.slice(features, [0, 1, 0], [-1, -1, -1]);

  function encodeMasked(
    params: TensorParams,
    images: tf.Tensor,
    mask: tf.Tensor,
    options: EncodeMaskedOptions = {},
  ) {
    assertShape(mask, [images.shape[0]!, patches], 'The mask');
    const embedded = backbone.embedPatches(params, images);
    const hidden = tf.expandDims(mask, 2);
    // The mask token takes a patch's place before positions are added, so that it still knows where it is.
    const corrupted = tf.add(tf.mul(embedded, tf.sub(1, hidden)), tf.mul(hidden, params.mask_token!));
    const encoded = backbone.encode(params, corrupted, options).features;
    const { positions } = options;
    const features =
      positions && encoded.shape[1] === 1 + patches
        ? gatherPositions(withoutCls(encoded), positions)
        : encoded;
    return layerNorm(features, params['norm.weight']!, params['norm.bias']!, layerNormEpsilon);
  }

  return {
    patches,
    init: (random) => ({
      ...backbone.init(random),
      mask_token: drawWeight(random, [1, 1, embedDim]),
      'norm.weight': constant([embedDim], 1),
      'norm.bias': constant([embedDim], 0),
    }),
    encodeMasked,
    patchFeatures: (params, images, mask) => withoutCls(encodeMasked(params, images, mask)),
    maskedFeatures(params, images, masked, dropPathKeeps) {
      const { positions } = masked;
      return encodeMasked(params, images, toMask(masked, patches), { dropPathKeeps, positions });
    },
  };
}

/** `[batch, patches]` float32 of 0 and 1 from lists of positions. */
export function toMask({ positions, weights }: MaskedPositions, patches: number): tf.Tensor2D {
  const oneHot = tf.cast(tf.oneHot(positions as tf.Tensor2D, patches), 'float32'); // [batch, maxMasked, patches]
  return tf.sum(tf.mul(oneHot, tf.expandDims(weights, 2)), 1);
}
