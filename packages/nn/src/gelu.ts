import * as tf from '@tensorflow/tfjs';
import { fusedKernel, toRows } from './rows';

/** The standard normal distribution function of every element. */
const normalCdf = (x: tf.Tensor): tf.Tensor => tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5);

/** The Gaussian error linear unit itself, without a gradient. */
export const geluOf = (x: tf.Tensor): tf.Tensor =>
  (fusedKernel('BeitGelu', { x }) as tf.Tensor | undefined) ?? tf.mul(x, normalCdf(x));

/** The GELU's slope, Φ(x) + x φ(x), and the normal distribution function Φ(x), x times which is its value. */
export function geluSlope(x: tf.Tensor): { readonly slope: tf.Tensor; readonly cdf: tf.Tensor } {
  const cdf = normalCdf(x);
  const density = tf.mul(tf.exp(tf.mul(tf.square(x), -0.5)), 1 / Math.sqrt(2 * Math.PI));
  return { slope: tf.add(cdf, tf.mul(x, density)), cdf };
}

/**
 * The exact Gaussian error linear unit x Φ(x), as torch.nn.GELU; its gradient is Φ(x) + x φ(x).
 * Paper: Hendrycks and Gimpel, arXiv 1606.08415.
 */
export function gelu(x: tf.Tensor): tf.Tensor {
  return tf.customGrad((input, save) => {
    const xs = input as tf.Tensor;
    (save as tf.GradSaveFunc)([xs]);
    return {
      value: geluOf(xs),
      // As rows, the form in which linear layers make x and take its gradient: nothing is reshaped in between.
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) =>
        tf.reshape(tf.mul(toRows(dy), geluSlope(toRows(saved[0]!)).slope), xs.shape),
    };
  })(x);
}
