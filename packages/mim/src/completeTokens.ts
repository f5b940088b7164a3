import * as tf from '@tensorflow/tfjs';

/**
 * A whole grid of tokens from what is visible and what the model fills in: an image is then a decoder away. A sample
 * from p(z | x̃), each masked token for itself.
 *
 * @param logits `[batch, patches, vocabSize]`, from `mim.logits`
 * @param visualTokens `[batch, patches]` int32; only the visible ones are used
 * @param mask `[batch, patches]` float32, 1 = masked
 * @param sampling left out, the most likely token is taken; else Gumbel noise `[batch, patches, vocabSize]` and a temperature above 0
 * @returns `[batch, patches]` int32
 */
export function completeTokens(
  logits: tf.Tensor,
  visualTokens: tf.Tensor,
  mask: tf.Tensor,
  sampling?: { readonly gumbel: tf.Tensor; readonly temperature: tf.Tensor },
): tf.Tensor2D {
  // argmax(logits / temperature + gumbel) is a draw from the softmax: the Gumbel-max trick.
  const scores = sampling ? tf.add(tf.div(logits, sampling.temperature), sampling.gumbel) : logits;
  return tf.where(tf.greater(mask, 0.5), tf.argMax(scores, 2), visualTokens) as tf.Tensor2D;
}
