import { createRandom } from '@beit/random';
import * as tf from '@tensorflow/tfjs';

tf.enableProdMode();
tf.setBackend('cpu');

/** A tensor of reproducible normal numbers. */
export function numbers(shape: number[], seed: number, scale = 1): tf.Tensor {
  const random = createRandom('numbers', seed);
  const size = shape.reduce((product, dim) => product * dim, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => random.normal(0, scale)),
    shape,
  );
}

/**
 * Largest difference between the gradient and central differences along random directions, relative to the largest
 * directional derivative. A fixed random weighting turns any output into a scalar.
 */
export function gradientError(
  f: (...inputs: tf.Tensor[]) => tf.Tensor,
  inputs: tf.Tensor[],
  step = 1e-2,
): number {
  return tf.tidy(() => {
    const weights = numbers(f(...inputs).shape, 999);
    const loss = (...xs: tf.Tensor[]) => tf.sum(tf.mul(f(...xs), weights)).asScalar();
    const gradients = tf.grads(loss)(inputs);
    let error = 0;
    let magnitude = 1e-6;
    inputs.forEach((input, i) => {
      for (let direction = 0; direction < 4; direction++) {
        const along = numbers(input.shape, 100 + direction);
        const moved = (sign: number) =>
          loss(...inputs.map((x, k) => (k === i ? tf.add(x, tf.mul(along, sign * step)) : x))).dataSync()[0]!;
        const numeric = (moved(1) - moved(-1)) / (2 * step);
        const analytic = tf.sum(tf.mul(gradients[i]!, along)).dataSync()[0]!;
        error = Math.max(error, Math.abs(numeric - analytic));
        magnitude = Math.max(magnitude, Math.abs(analytic));
      }
    });
    return error / magnitude;
  });
}
