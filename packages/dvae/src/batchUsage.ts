import * as tf from '@tensorflow/tfjs';

/**
 * How often each token occurs, as a table whose row-major order is that of the tokens; entries past the vocabulary
 * are 0. The product of two narrow one-hot matrices: one as wide as the vocabulary would be many times as large.
 *
 * @param tokens int32, any shape
 * @returns `[rows, columns]`, both about the root of `vocabSize`
 */
export function tokenCounts(tokens: tf.Tensor, vocabSize: number): tf.Tensor2D {
  const columns = Math.ceil(Math.sqrt(vocabSize));
  // A one-hot vector has at least two places.
  const rows = Math.max(2, Math.ceil(vocabSize / columns));
  const flat = tf.reshape(tokens, [-1]);
  const row = tf.floorDiv(flat, tf.scalar(columns, 'int32')) as tf.Tensor1D;
  const column = tf.sub(flat, tf.mul(row, tf.scalar(columns, 'int32'))) as tf.Tensor1D;
  const oneHot = (index: tf.Tensor1D, depth: number) =>
    tf.oneHot(index, depth, 1, 0, 'float32') as tf.Tensor2D;
  return tf.matMul(oneHot(row, rows), oneHot(column, columns), true, false);
}

/**
 * Use of the vocabulary by the most likely tokens of one batch, inside a program; `codebookUsage` does the same for
 * any number of images on the host.
 *
 * @param logits `[batch, rows, columns, vocabSize]`
 * @returns scalars: exp of the entropy, and the number of tokens that occur
 */
export function batchUsage(logits: tf.Tensor): { perplexity: tf.Scalar; usedTokens: tf.Scalar } {
  const counts = tokenCounts(tf.argMax(logits, -1), logits.shape.at(-1)!);
  const positions = logits.size / logits.shape.at(-1)!;
  // 0 ln 0 is 0: an unused token counts as 1 inside of the logarithm.
  const information = tf.mul(counts, tf.log(tf.maximum(counts, 1)));
  const entropy = tf.sub(Math.log(positions), tf.div(tf.sum(information), positions));
  return {
    perplexity: tf.exp(entropy) as tf.Scalar,
    usedTokens: tf.sum(tf.minimum(counts, 1)) as tf.Scalar,
  };
}
