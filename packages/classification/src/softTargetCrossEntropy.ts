import { logSumExp } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';

/**
 * -Σ target log p of every row, in nats; targets sum to 1. The gradient is p - target, in closed form.
 * Reference: timm loss/cross_entropy.py, SoftTargetCrossEntropy.
 *
 * @param logits `[rows, classes]`
 * @param targets `[rows, classes]`, probabilities; they get no gradient
 * @returns `[rows]`
 */
export function softTargetCrossEntropy(logits: tf.Tensor, targets: tf.Tensor): tf.Tensor1D {
  return tf.customGrad((input, save) => {
    const x = input as tf.Tensor;
    const normalizer = logSumExp(x);
    (save as tf.GradSaveFunc)([x, normalizer, targets]);
    return {
      value: tf.sub(tf.squeeze(normalizer, [1]), tf.sum(tf.mul(x, targets), -1)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [z, n, target] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        return [tf.mul(tf.sub(tf.exp(tf.sub(z, n)), target), tf.expandDims(dy, 1))];
      },
    };
  })(logits) as tf.Tensor1D;
}
