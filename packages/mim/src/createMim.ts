import type { Backbone, TensorParams } from '@beit/nn';
import { assertShape, constant, gatherPositions, linear, sparseCrossEntropy, weightedMean } from '@beit/nn';
import type { Random } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { createMaskedEncoder, drawWeight, type MaskedEncoder, type MaskedPositions } from './maskedEncoder';

export interface MimConfig {
  readonly backbone: Backbone<'features'>;
  /** Visual tokens in the tokenizer's vocabulary. BEiT: 8192. */
  readonly vocabSize: number;
  /** Epsilon of the final norm. Default 1e-6. */
  readonly layerNormEpsilon?: number;
}

export interface MimOutputs {
  /** Mean cross-entropy over all masked tokens of the batch, nats. */
  loss: tf.Scalar;
  /** Share of masked tokens whose most likely prediction is right. */
  mimAccuracy: tf.Scalar;
}

export interface Mim extends Pick<MaskedEncoder, 'encodeMasked'> {
  readonly vocabSize: number;
  readonly backbone: Backbone<'features'>;
  /** Parameters of the backbone and of what is added: `mask_token`, `norm.*`, `lm_head.*`. */
  init(random: Random): NamedTensors;
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

/**
 * Masked image modelling: predict the visual tokens of the patches that are hidden.
 * Paper: BEiT, section 2.3. Reference: microsoft/unilm beit/modeling_pretrain.py.
 *
 * @throws RangeError when the vocabulary is too small
 */
export function createMim({ backbone, vocabSize, layerNormEpsilon = 1e-6 }: MimConfig): Mim {
  const encoder = createMaskedEncoder(backbone, layerNormEpsilon);
  if (!Number.isSafeInteger(vocabSize) || vocabSize < 2) {
    throw new RangeError(`vocabSize is ${vocabSize}; expected an integer of at least 2.`);
  }

  const head = (params: TensorParams, features: tf.Tensor) =>
    linear(features, params['lm_head.weight']!, params['lm_head.bias']) as tf.Tensor3D;

  function maskedLogits(
    params: TensorParams,
    images: tf.Tensor,
    masked: MaskedPositions,
    dropPathKeeps?: tf.Tensor,
  ) {
    return head(params, encoder.maskedFeatures(params, images, masked, dropPathKeeps));
  }

  function loss(
    params: TensorParams,
    images: tf.Tensor,
    visualTokens: tf.Tensor,
    masked: MaskedPositions,
    dropPathKeeps?: tf.Tensor,
  ): MimOutputs {
    assertShape(visualTokens, [images.shape[0]!, encoder.patches], 'The visual tokens');
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
    init: (random) => ({
      ...encoder.init(random),
      'lm_head.weight': drawWeight(random, [vocabSize, backbone.embedDim]),
      'lm_head.bias': constant([vocabSize], 0),
    }),
    encodeMasked: encoder.encodeMasked,
    logits: (params, images, mask) => head(params, encoder.patchFeatures(params, images, mask)),
    maskedLogits,
    loss,
  };
}

/** The tokens at some positions, `[batch, maxMasked]` int32. */
const tokensAt = (visualTokens: tf.Tensor, positions: tf.Tensor): tf.Tensor =>
  tf.squeeze(gatherPositions(tf.expandDims(visualTokens, 2), positions), [2]);
