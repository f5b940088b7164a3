import type { TensorParams } from '@beit/nn';
import { type Optimizer, trainStep } from '@beit/optim';
import type * as tf from '@tensorflow/tfjs';
import type { Mim, MimOutputs } from './createMim';
import type { MaskedPositions } from './maskedEncoder';

/**
 * One batch. The visual tokens are those of the whole images, from a frozen tokenizer; whose they are does not matter
 * here.
 */
export type PretrainBatch = {
  /** Normalized, `[batch, height, width, inChannels]`. */
  images: tf.Tensor;
  /** `[batch, patches]` int32. */
  visualTokens: tf.Tensor;
  masked: MaskedPositions;
  /** `[depth, 2, batch]`; left out when the model drops no paths. */
  dropPathKeeps?: tf.Tensor;
};

/** The objective of pre-training as `trainStep` and `gradientStep` of `@beit/optim` take it. */
export const pretrainLoss =
  (mim: Mim) =>
  (params: TensorParams, { images, visualTokens, masked, dropPathKeeps }: PretrainBatch): MimOutputs =>
    mim.loss(params, images, visualTokens, masked, dropPathKeeps);

/**
 * One step of pre-training, `(state, inputs) => { state, outputs }` for `compile`: state `{ params, m, v }`, inputs
 * `{ batch, scalars }`, outputs `loss`, `mimAccuracy` and `gradNorm`.
 */
export const pretrainStep = (mim: Mim, optimizer: Optimizer) => trainStep(pretrainLoss(mim), optimizer);
