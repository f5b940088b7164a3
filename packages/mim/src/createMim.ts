import {
  assertShape,
  constant,
  gatherPositions,
  layerNorm,
  linear,
  sparseCrossEntropy,
  truncatedNormal,
  weightedMean,
} from '@beit/nn';
import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';

export type TensorParams = Readonly<Record<string, tf.Tensor>>;

/** All that masked image modelling needs to know of an encoder; `createVit` of `@beit/vit` makes one. */
export interface Backbone {
  /** Patches, [rows, columns]. */
  readonly gridSize: readonly [number, number];
  readonly embedDim: number;
  init(random: Random): NamedTensors;
  /** Images to `[batch, patches, embedDim]`. */
  embedPatches(params: TensorParams, images: tf.Tensor): tf.Tensor;
  /**
   * Patch embeddings to features of all tokens, `[batch, 1 + patches, embedDim]`, cls first; with `positions`
   * (`[batch, count]` int32, indices of patches) to those of these patches alone, `[batch, count, embedDim]`, or still
   * to all where an encoder saves nothing by it.
   */
  encode(
    params: TensorParams,
    patchEmbeddings: tf.Tensor,
    options?: { readonly dropPathKeeps?: tf.Tensor; readonly positions?: tf.Tensor },
  ): { readonly features: tf.Tensor };
}

export interface MimConfig {
  readonly backbone: Backbone;
  /** Visual tokens in the tokenizer's vocabulary. BEiT: 8192. */
  readonly vocabSize: number;
  /** Of the final norm. Default 1e-6. */
  readonly layerNormEpsilon?: number;
}

/** Which patches are masked, as fixed-size lists; `toMaskedPositions` of `@beit/masking` makes them. */
export type MaskedPositions = {
  /** `[batch, maxMasked]` int32, patch indices in row-major order; distinct where the weight is 1. */
  positions: tf.Tensor;
  /** `[batch, maxMasked]`, 1 for a masked patch, 0 for padding. */
  weights: tf.Tensor;
};

export interface MimOutputs {
  /** Mean cross-entropy over all masked tokens of the batch, nats. */
  loss: tf.Scalar;
  /** Share of masked tokens whose most likely prediction is right. */
  mimAccuracy: tf.Scalar;
}

export interface EncodeMaskedOptions {
  /** `[depth, 2, batch]`; see `drawDropPathKeeps` of `@beit/vit`. */
  readonly dropPathKeeps?: tf.Tensor;
  /** `[batch, count]` int32, indices of the patches whose features are wanted; left out: all tokens. */
  readonly positions?: tf.Tensor;
}

export interface Mim {
  readonly vocabSize: number;
  readonly backbone: Backbone;
  /** Parameters of the backbone and of what is added: `mask_token`, `norm.*`, `lm_head.*`. */
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
  /** Logits of every patch, `[batch, patches, vocabSize]`. `mask` is `[batch, patches]` float32, 1 = masked. */
  logits(params: TensorParams, images: tf.Tensor, mask: tf.Tensor): tf.Tensor3D;
  /** Logits of the masked patches alone, `[batch, maxMasked, vocabSize]`. */
  maskedLogits(
    params: TensorParams,
    images: tf.Tensor,
    masked: MaskedPositions,
    dropPathKeeps?: tf.Tensor,
  ): tf.Tensor3D;
  /** The objective. `visualTokens` is `[batch, patches]` int32. */
  loss(
    params: TensorParams,
    images: tf.Tensor,
    visualTokens: tf.Tensor,
    masked: MaskedPositions,
    dropPathKeeps?: tf.Tensor,
  ): MimOutputs;
}

const INIT_STD = 0.02;

/**
 * Masked image modelling: predict the visual tokens of the patches that are hidden.
 * Paper: BEiT, section 2.3. Reference: microsoft/unilm beit/modeling_pretrain.py.
 */
export function createMim({ backbone, vocabSize, layerNormEpsilon = 1e-6 }: MimConfig): Mim {
  const { gridSize, embedDim } = backbone;
  const patches = gridSize[0] * gridSize[1];
  if (!Number.isSafeInteger(vocabSize) || vocabSize < 2) {
    throw new RangeError(`vocabSize is ${vocabSize}; expected an integer of at least 2.`);
  }

  function init(random: Random): NamedTensors {
    const drawn = (shape: readonly number[]) => truncatedNormal(random, shape, INIT_STD, INIT_STD);
    return {
      ...backbone.init(random),
      mask_token: drawn([1, 1, embedDim]),
      'norm.weight': constant([embedDim], 1),
      'norm.bias': constant([embedDim], 0),
      'lm_head.weight': drawn([vocabSize, embedDim]),
      'lm_head.bias': constant([vocabSize], 0),
    };
  }

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

  const head = (params: TensorParams, features: tf.Tensor) =>
    linear(features, params['lm_head.weight']!, params['lm_head.bias']) as tf.Tensor3D;
  const withoutCls = (features: tf.Tensor) => tf.slice(features, [0, 1, 0], [-1, -1, -1]);

  function maskedLogits(
    params: TensorParams,
    images: tf.Tensor,
    masked: MaskedPositions,
    dropPathKeeps?: tf.Tensor,
  ) {
    const { positions } = masked;
    return head(params, encodeMasked(params, images, toMask(masked, patches), { dropPathKeeps, positions }));
  }

  function loss(
    params: TensorParams,
    images: tf.Tensor,
    visualTokens: tf.Tensor,
    masked: MaskedPositions,
    dropPathKeeps?: tf.Tensor,
  ): MimOutputs {
    assertShape(visualTokens, [images.shape[0]!, patches], 'The visual tokens');
    const logits = tf.reshape(maskedLogits(params, images, masked, dropPathKeeps), [-1, vocabSize]);
    const labels = tf.reshape(tokensAt(visualTokens, masked.positions), [-1]);
    const weights = tf.reshape(masked.weights, [-1]);
    const right = tf.cast(tf.equal(tf.argMax(logits, 1), labels), 'float32');
    return {
      loss: weightedMean(sparseCrossEntropy(logits, labels), weights),
      mimAccuracy: weightedMean(right, weights),
    };
  }

  return {
    vocabSize,
    backbone,
    init,
    encodeMasked,
    logits: (params, images, mask) => head(params, withoutCls(encodeMasked(params, images, mask))),
    maskedLogits,
    loss,
  };
}

/** `[batch, patches]` float32 of 0 and 1 from lists of positions. */
export function toMask({ positions, weights }: MaskedPositions, patches: number): tf.Tensor2D {
  const oneHot = tf.cast(tf.oneHot(positions as tf.Tensor2D, patches), 'float32'); // [batch, maxMasked, patches]
  return tf.sum(tf.mul(oneHot, tf.expandDims(weights, 2)), 1);
}

/** The tokens at some positions, `[batch, maxMasked]` int32. */
const tokensAt = (visualTokens: tf.Tensor, positions: tf.Tensor): tf.Tensor =>
  tf.squeeze(gatherPositions(tf.expandDims(visualTokens, 2), positions), [2]);
