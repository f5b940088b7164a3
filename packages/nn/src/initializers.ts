import type { Random } from '@beit/random';
import { assertMemory, type HostTensor, sizeOf } from '@beit/tensors';

const filled = (shape: readonly number[], value: () => number): HostTensor => {
  assertMemory(`A tensor of shape [${shape}]`, { '': shape });
  const size = sizeOf(shape);
  const data = new Float32Array(size);
  // `Float32Array.from` with a function takes twice as long, and models have hundreds of millions.
  for (let i = 0; i < size; i++) data[i] = value();
  return { dtype: 'float32', shape, data };
};

/** One number throughout. */
export const constant = (shape: readonly number[], value: number): HostTensor => filled(shape, () => value);

/** N(0, std), drawn again where it lies beyond `cutoff` on either side. */
export const truncatedNormal = (
  random: Random,
  shape: readonly number[],
  std: number,
  cutoff: number,
): HostTensor => filled(shape, () => random.truncatedNormal(std, cutoff));

/** N(0, std). */
export const normal = (random: Random, shape: readonly number[], std: number): HostTensor =>
  filled(shape, () => random.normal(0, std));

/** U(-1/√fanIn, 1/√fanIn): PyTorch's default for weights and biases of convolutions. */
export const fanInUniform = (random: Random, shape: readonly number[], fanIn: number): HostTensor =>
  filled(shape, () => random.uniform(-1 / Math.sqrt(fanIn), 1 / Math.sqrt(fanIn)));
