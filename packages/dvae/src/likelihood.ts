import { softmax } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';

/** Parameters of the logit-Laplace distribution of every sub-pixel, each `[batch, height, width, 3]`. */
export interface PixelDistribution {
  readonly mu: tf.Tensor4D;
  readonly logB: tf.Tensor4D;
}

/**
 * -log p of mapped pixels under f(x | mu, b) = exp(-|logit(x) - mu| / b) / (2 b x (1 - x)), constant terms included.
 * Paper: DALL-E, appendix A.3.
 *
 * @param mapped `[batch, height, width, 3]` in (0, 1), from `mapPixels`
 * @returns nats per sub-pixel, like `mapped`
 */
export function logitLaplaceNll(mapped: tf.Tensor, { mu, logB }: PixelDistribution): tf.Tensor4D {
  const logX = tf.log(mapped);
  const logRest = tf.log(tf.sub(1, mapped));
  const distance = tf.abs(tf.sub(tf.sub(logX, logRest), mu));
  const scaled = tf.add(tf.mul(distance, tf.exp(tf.neg(logB))), logB);
  return tf.add(scaled, tf.add(tf.add(logX, logRest), Math.LN2)) as tf.Tensor4D;
}

/**
 * KL of the categorical distribution of each position to the uniform one: Σ q (ln q + ln K). Its gradient, in closed
 * form, is q (ln q + ln K - KL).
 *
 * @param logits `[batch, rows, columns, vocabSize]`
 * @returns nats, `[batch, rows, columns]`, from 0 to ln vocabSize
 */
export function klToUniform(logits: tf.Tensor): tf.Tensor3D {
  const logSize = Math.log(logits.shape.at(-1)!);
  return tf.customGrad((input, save) => {
    const terms = tf.add(tf.logSoftmax(input as tf.Tensor), logSize);
    const q = tf.softmax(input as tf.Tensor);
    const kl = tf.sum(tf.mul(q, terms), -1, true);
    (save as tf.GradSaveFunc)([q, terms, kl]);
    return {
      value: tf.squeeze(kl, [-1]),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [p, t, total] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        return tf.mul(tf.mul(p, tf.sub(t, total)), tf.expandDims(dy, -1));
      },
    };
  })(logits) as tf.Tensor3D;
}

/**
 * A relaxed sample from the categorical distribution: softmax((logits + gumbel) / temperature).
 * Papers: Jang et al., arXiv 1611.01144; Maddison et al., arXiv 1611.00712.
 *
 * @param gumbel noise like `logits`, see `gumbelNoise`
 * @param temperature scalar above 0; towards 0 the sample becomes one-hot
 */
export const gumbelSoftmax = (logits: tf.Tensor, gumbel: tf.Tensor, temperature: tf.Tensor): tf.Tensor =>
  softmax(tf.div(tf.add(logits, gumbel), temperature));

/** Uniform noise in (0, 1) as standard Gumbel noise. */
export const gumbelNoise = (uniform: tf.Tensor): tf.Tensor => tf.neg(tf.log(tf.neg(tf.log(uniform))));

/**
 * Entropy of how a batch uses the vocabulary on average, nats: ln vocabSize when every token is used alike, 0 when one
 * is used alone.
 */
export function usageEntropy(logits: tf.Tensor): tf.Scalar {
  const average = tf.mean(tf.reshape(softmax(logits), [-1, logits.shape.at(-1)!]), 0);
  return tf.neg(tf.sum(tf.mul(average, tf.log(tf.add(average, 1e-10))))) as tf.Scalar;
}
