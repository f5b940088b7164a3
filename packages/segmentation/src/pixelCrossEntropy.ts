import { assertShape, sparseCrossEntropy } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';

/** The label of pixels that count for nothing. */
export const IGNORE_INDEX = 255;

export interface PixelCrossEntropyOptions {
  /** `[numClasses]`, 0 or larger; a pixel counts as often as its class says. Left out: once. */
  readonly classWeights?: tf.Tensor;
  /**
   * What the sum is divided by: the weight of the labelled pixels ('labelled'), as in PyTorch, or the number of all pixels,
   * those that are ignored too ('all'), as in mmsegmentation unless it is told otherwise. Default 'labelled', and always so
   * with class weights.
   */
  readonly average?: 'labelled' | 'all';
}

/**
 * Mean cross-entropy of the pixels, nats. Without a single labelled pixel it is 0.
 *
 * @param logits `[batch, height, width, numClasses]`
 * @param labels `[batch, height, width]` int32: a class, or 255 for a pixel that is ignored
 * @throws RangeError when the shapes do not fit
 */
export function pixelCrossEntropy(
  logits: tf.Tensor,
  labels: tf.Tensor,
  { classWeights, average = 'labelled' }: PixelCrossEntropyOptions = {},
): tf.Scalar {
  const numClasses = logits.shape.at(-1)!;
  assertShape(labels, logits.shape.slice(0, -1), 'The labels');
  if (classWeights) assertShape(classWeights, [numClasses], 'The class weights');
  const { classes, labelled } = splitLabels(labels);
  const losses = sparseCrossEntropy(tf.reshape(logits, [-1, numClasses]), classes);
  const weights = classWeights ? tf.mul(labelled, tf.gather(classWeights, classes)) : labelled;
  const count =
    average === 'all' && !classWeights ? tf.scalar(labels.size) : tf.maximum(tf.sum(weights), 1e-12);
  return tf.div(tf.sum(tf.mul(losses, weights)), count) as tf.Scalar;
}

/**
 * Share of the labelled pixels whose most likely class is their label, [0, 1]; 0 where there is none.
 *
 * @param logits `[batch, height, width, numClasses]`
 * @param labels `[batch, height, width]` int32: a class, or 255
 */
export function pixelAccuracy(logits: tf.Tensor, labels: tf.Tensor): tf.Scalar {
  const { classes, labelled } = splitLabels(labels);
  const right = tf.equal(tf.argMax(tf.reshape(logits, [-1, logits.shape.at(-1)!]), 1), classes);
  const hits = tf.sum(tf.mul(tf.cast(right, 'float32'), labelled));
  return tf.div(hits, tf.maximum(tf.sum(labelled), 1)) as tf.Scalar;
}

/** `[pixels]` each: a class, 0 where there is none, and 1 where there is one. */
function splitLabels(labels: tf.Tensor): { classes: tf.Tensor1D; labelled: tf.Tensor1D } {
  const flat = tf.reshape(labels, [-1]);
  const known = tf.notEqual(flat, tf.scalar(IGNORE_INDEX, 'int32'));
  return {
    classes: tf.where(known, flat, tf.zerosLike(flat)) as tf.Tensor1D,
    labelled: tf.cast(known, 'float32') as tf.Tensor1D,
  };
}
