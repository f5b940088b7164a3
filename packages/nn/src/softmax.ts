import * as tf from '@tensorflow/tfjs';

/**
 * Softmax over the last axis. Its gradient, in closed form, is p (dy - sum(dy p)).
 *
 * @param logits `[..., classes]`
 */
export function softmax(logits: tf.Tensor): tf.Tensor {
  return tf.customGrad((input, save) => {
    const value = tf.softmax(input as tf.Tensor);
    (save as tf.GradSaveFunc)([value]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [p] = saved as [tf.Tensor];
        const weighted = tf.mul(dy, p);
        return [tf.sub(weighted, tf.mul(p, tf.sum(weighted, -1, true)))];
      },
    };
  })(logits);
}
