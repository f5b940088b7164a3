import * as tf from '@tensorflow/tfjs';

/** How far mapped pixels stay from 0 and 1, where a logit is infinite. DALL-E, appendix A.3. */
export const LOGIT_LAPLACE_EPSILON = 0.1;

/** [0, 1] to [0.1, 0.9]. */
export const mapPixels = (images: tf.Tensor): tf.Tensor =>
  tf.add(tf.mul(images, 1 - 2 * LOGIT_LAPLACE_EPSILON), LOGIT_LAPLACE_EPSILON);

/** And back, clamped to [0, 1]. */
export const unmapPixels = (mapped: tf.Tensor): tf.Tensor =>
  tf.clipByValue(tf.div(tf.sub(mapped, LOGIT_LAPLACE_EPSILON), 1 - 2 * LOGIT_LAPLACE_EPSILON), 0, 1);
