import * as tf from '@tensorflow/tfjs';
import { fusedKernel, sumRows } from './rows';

/** BEiT's, for every LayerNorm (transformers' default is 1e-12). */
export const LAYER_NORM_EPSILON = 1e-6;

/** Normalized rows with what the gradient needs: `[y, mean, inverse standard deviation]`. */
function normalize(x: tf.Tensor, scale: tf.Tensor, offset: tf.Tensor, epsilon: number): tf.Tensor[] {
  const fused = fusedKernel('BeitLayerNorm', { x, scale, offset }, { epsilon });
  if (fused) return fused as tf.Tensor[];
  const mean = tf.mean(x, -1, true);
  const centered = tf.sub(x, mean);
  const inverseDeviation = tf.rsqrt(tf.add(tf.mean(tf.square(centered), -1, true), epsilon));
  return [tf.add(tf.mul(tf.mul(centered, inverseDeviation), scale), offset), mean, inverseDeviation];
}

/**
 * Layer normalization over the last axis, as torch.nn.LayerNorm, with its gradient in closed form: with the
 * normalized x̂ and g = dy * scale, dx = (g - mean(g) - x̂ mean(g x̂)) / deviation.
 *
 * @param x `[..., width]`
 * @param scale `[width]`
 * @param offset `[width]`
 * @returns `[..., width]`
 */
export function layerNorm(
  x: tf.Tensor,
  scale: tf.Tensor,
  offset: tf.Tensor,
  epsilon = LAYER_NORM_EPSILON,
): tf.Tensor {
  return tf.customGrad((...args) => {
    const [input, weight, bias, save] = args as unknown as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const [value, mean, inverseDeviation] = normalize(input, weight, bias, epsilon) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    save([input, weight, mean, inverseDeviation]);
    return {
      value,
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [xs, w, m, inverse] = saved as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
        const normalized = tf.mul(tf.sub(xs, m), inverse);
        const g = tf.mul(dy, w);
        const along = tf.mul(normalized, tf.mean(tf.mul(g, normalized), -1, true));
        const dx = tf.mul(inverse, tf.sub(tf.sub(g, tf.mean(g, -1, true)), along));
        return [dx, sumRows(tf.mul(dy, normalized)), sumRows(dy)];
      },
    };
  })(x, scale, offset);
}
