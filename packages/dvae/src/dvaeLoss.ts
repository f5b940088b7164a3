import type { TensorParams } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';
import { batchUsage } from './batchUsage';
import type { Dvae } from './createDvae';
import { gumbelNoise, gumbelSoftmax, klToUniform, logitLaplaceNll, usageEntropy } from './likelihood';
import { mapPixels } from './pixelMap';

/** One batch and its place in the schedules. */
export type DvaeBatch = {
  /** `[batch, height, width, 3]` in [0, 1]. */
  images: tf.Tensor;
  /** Noise in (0, 1), `[batch, rows, columns, vocabSize]`; see `uniformNoise`. */
  uniform: tf.Tensor;
  /** Scalar: of the relaxation. */
  temperature: tf.Tensor;
  /** Scalar: β, the weight of the KL term as the paper counts it. */
  klWeight: tf.Tensor;
  /** Scalar: weight of the usage term; 0 is the paper. */
  usageWeight: tf.Tensor;
};

export type DvaeOutputs = {
  /** (Σ NLL + β Σ KL) / sub-pixels - usageWeight * usageEntropy, nats per sub-pixel. */
  loss: tf.Scalar;
  /** Mean negative log-likelihood of a sub-pixel, nats. */
  nll: tf.Scalar;
  /** Mean KL of a token to the uniform prior, nats. */
  kl: tf.Scalar;
  /** exp of the entropy of the batch's most likely tokens: how many are in use, in effect. */
  perplexity: tf.Scalar;
  /** How many different tokens those are. */
  usedTokens: tf.Scalar;
  /** Entropy of q averaged over the batch, nats, from 0 to ln vocabSize: what the usage term rewards. */
  usageEntropy: tf.Scalar;
};

/**
 * The negative evidence lower bound, per sub-pixel. Paper: DALL-E, section 2.1 and appendix A.2.
 *
 * The usage term is ours: with few images the paper's loss leaves most of the vocabulary unused, and rewarding a batch
 * for using it evenly on average cures that without touching single images.
 */
export function dvaeLoss(dvae: Dvae, params: TensorParams, batch: DvaeBatch): DvaeOutputs {
  const { images, uniform, temperature, klWeight, usageWeight } = batch;
  const logits = dvae.encode(params, images);
  const sample = gumbelSoftmax(logits, gumbelNoise(uniform), temperature);
  const distribution = dvae.decode(params, sample);
  const nll = tf.mean(logitLaplaceNll(mapPixels(images), distribution)) as tf.Scalar;
  const kl = tf.mean(klToUniform(logits)) as tf.Scalar;
  const entropy = usageEntropy(logits);
  const subpixelsPerToken = 3 * dvae.downsampling ** 2;
  const negativeElbo = tf.add(nll, tf.mul(klWeight, tf.div(kl, subpixelsPerToken)));
  return {
    loss: tf.sub(negativeElbo, tf.mul(usageWeight, entropy)) as tf.Scalar,
    nll,
    kl,
    ...batchUsage(logits),
    usageEntropy: entropy,
  };
}
