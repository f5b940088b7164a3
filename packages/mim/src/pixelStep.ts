import type { TensorParams } from '@beit/nn';
import { type Optimizer, trainStep } from '@beit/optim';
import type * as tf from '@tensorflow/tfjs';
import type { PixelOutputs, PixelRegression } from './createPixelRegression';
import type { MaskedPositions } from './maskedEncoder';

/** One batch: that of `pretrainStep` without visual tokens. */
export type PixelBatch = {
  /** Normalized, `[batch, height, width, inChannels]`. */
  images: tf.Tensor;
  masked: MaskedPositions;
  /** `[depth, 2, batch]`; left out when the model drops no paths. */
  dropPathKeeps?: tf.Tensor;
};

/** The objective of pixel regression as `trainStep` and `gradientStep` of `@beit/optim` take it. */
export const pixelLoss =
  (regression: PixelRegression) =>
  (params: TensorParams, { images, masked, dropPathKeeps }: PixelBatch): PixelOutputs =>
    regression.loss(params, images, masked, dropPathKeeps);

/**
 * One step of pixel regression, `(state, inputs) => { state, outputs }` for `compile`: state `{ params, m, v }`, inputs
 * `{ batch, scalars }`, outputs `loss` and `gradNorm`.
 */
export const pixelStep = (regression: PixelRegression, optimizer: Optimizer) =>
  trainStep(pixelLoss(regression), optimizer);
