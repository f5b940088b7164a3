import * as tf from '@tensorflow/tfjs';

/**
 * Values mixed by attention, softmax(logits) v. Its gradient is in closed form: with the attention p, the output o and
 * D = sum(do * o) over a head, dlogits = p (do v^T - D), since sum(p dp) over the keys is D. Paper: FlashAttention,
 * arXiv 2205.14135, section 3.1; the sum over a head is much shorter than the one over all keys.
 *
 * @param logits `[batch, numHeads, queries, keys]`
 * @param v `[batch, numHeads, keys, headDim]`
 * @returns `[batch, numHeads, queries, headDim]`
 */
export function attend(logits: tf.Tensor, v: tf.Tensor): tf.Tensor4D {
  return tf.customGrad((...args) => {
    const [scores, values, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const attention = tf.softmax(scores);
    const output = tf.matMul(attention, values);
    save([attention, values, output]);
    return {
      value: output,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [p, vs, o] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const shared = tf.sum(tf.mul(dy, o), -1, true);
        const dLogits = tf.mul(p, tf.sub(tf.matMul(dy, vs, false, true), shared));
        return [dLogits, tf.matMul(p, dy, true, false)];
      },
    };
  })(logits, v) as tf.Tensor4D;
}
