import * as tf from '@tensorflow/tfjs';
import { tensorflowKernels } from './tensorflowKernels';
import type { NamedTfTensors } from './valueAndGrads';

/** L2 norm of all tensors taken as one vector; a scalar. */
export function globalNorm(tensors: NamedTfTensors): tf.Scalar {
  return tf.tidy(() => {
    const kernels = tensorflowKernels();
    // In the order in which they were made: an engine that computes the terms of a sum one after the other, and what each
    // needs before it, then takes a gradient while that is at hand, instead of keeping all of it to the end.
    const all = Object.values(tensors).sort((a, b) => a.id - b.id);
    if (kernels) return tf.sqrt(tf.mul(tf.addN(all.map(kernels.l2Loss)), 2)) as tf.Scalar;
    return tf.sqrt(tf.addN(all.map((tensor) => tf.sum(tf.square(tensor))))) as tf.Scalar;
  });
}

/** What gradients of this norm are multiplied by: min(1, maxNorm / (norm + 1e-6)). Reference: torch clip_grad_norm_. */
export function clipCoefficient(norm: tf.Scalar, maxNorm: number): tf.Scalar {
  return tf.tidy(() => tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1) as tf.Scalar);
}

/** Gradients scaled down together to at most `maxNorm`, and their norm before. Reference: torch clip_grad_norm_. */
export function clipByGlobalNorm(
  gradients: NamedTfTensors,
  maxNorm: number,
): { gradients: NamedTfTensors; norm: tf.Scalar } {
  return tf.tidy(() => {
    const norm = globalNorm(gradients);
    const coefficient = clipCoefficient(norm, maxNorm);
    const clipped = Object.entries(gradients).map(([name, gradient]) => [
      name,
      tf.mul(gradient, coefficient),
    ]);
    return { gradients: Object.fromEntries(clipped) as NamedTfTensors, norm };
  });
}
