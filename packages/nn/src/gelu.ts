import * as tf from '@tensorflow/tfjs';
import { fusedKernel, toRows } from './rows';

/** The standard normal distribution function of every element. */
const normalCdf = (x: tf.Tensor): tf.Tensor => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);

/**
 * The exact Gaussian error linear unit x Φ(x), as torch.nn.GELU; its gradient is Φ(x) + x φ(x).
 * Paper: Hendrycks and Gimpel, arXiv 1606.08415.
 */
export function gelu(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((input, save) => {
    const xs = input as tf.Tensor;
    (save as tf.GradSaveFunc)([xs]);
    return {
      value: (fusedKernel('BeitGelu', { x: xs }) as tf.Tensor | undefined) ?? tf.mul(xs, normalCdf(xs)),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        // As rows, the form in which linear layers make z and take its gradient: nothing is reshaped in between.
        const z = toRows(saved[0]!);
        const density = tf.mul(tf.exp(tf.mul(tf.square(z), -0.5)), 1 / Math.sqrt(2 * Math.PI));
        const slope = tf.add(normalCdf(z), tf.mul(z, density));
        return [tf.reshape(tf.mul(toRows(dy), slope), xs.shape)];
      },
    };
  })(x);
}
