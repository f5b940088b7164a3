import { createRandom } from '@beit/random';
import type { HostTensor } from '@beit/tensors';

/**
 * Noise in (0, 1) for the Gumbel-softmax relaxation, keyed by (seed, step). The logarithms are left to the program.
 *
 * @param shape `[batch, rows, columns, vocabSize]`
 */
export function uniformNoise(shape: readonly number[], seed: number, step: number): HostTensor {
  const random = createRandom(seed, 'gumbel', step);
  const data = new Float32Array(shape.reduce((size, dim) => size * dim, 1));
  // 23 bits and a half: neither 0 nor 1, even after rounding to float32.
  for (let i = 0; i < data.length; i++) data[i] = ((random.uint32() >>> 9) + 0.5) / 2 ** 23;
  return { dtype: 'float32', shape, data };
}
