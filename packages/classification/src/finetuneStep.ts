import type { TensorParams } from '@beit/nn';
import { type Optimizer, trainStep } from '@beit/optim';
import type * as tf from '@tensorflow/tfjs';
import type { Classifier, ClassifierOutputs } from './createClassifier';
import { mixImages } from './mixImages';

/** One batch. */
export type FinetuneBatch = {
  /** Normalized, `[batch, height, width, channels]`. */
  images: tf.Tensor;
  /** Probabilities, `[batch, numClasses]`; see `softTargets`. */
  targets: tf.Tensor;
  /** `[1, height, width, 1]`, see `drawMix`; left out where images are never mixed. */
  mixWeights?: tf.Tensor;
  /** `[depth, 2, batch]`; left out when the model drops no paths. */
  dropPathKeeps?: tf.Tensor;
};

/** The objective of fine-tuning as `trainStep` and `gradientStep` of `@beit/optim` take it. */
export const finetuneLoss =
  (classifier: Classifier) =>
  (params: TensorParams, { images, targets, mixWeights, dropPathKeeps }: FinetuneBatch): ClassifierOutputs =>
    classifier.loss(params, mixWeights ? mixImages(images, mixWeights) : images, targets, dropPathKeeps);

/**
 * One step of fine-tuning, `(state, inputs) => { state, outputs }` for `compile`: state `{ params, m, v }`, inputs
 * `{ batch, scalars }`, outputs `loss`, `accuracy` and `gradNorm`.
 */
export const finetuneStep = (classifier: Classifier, optimizer: Optimizer) =>
  trainStep(finetuneLoss(classifier), optimizer);
