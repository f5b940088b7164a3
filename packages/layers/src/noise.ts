import type { NamedTfTensors } from '@beit/optim';
import type { Random } from '@beit/random';
import { type HostTensor, sizeOf } from '@beit/tensors';
import type * as tf from '@tensorflow/tfjs';
import { sameShape } from './sameShape';

/** Random numbers that a training step needs: uniform ones in [0, 1), or standard normal ones. */
export interface NoiseSpec {
  readonly dtype: 'float32';
  readonly shape: readonly number[];
  readonly distribution: 'uniform' | 'normal';
}

/** The shape of the one input, batch included, or of several, in the model's order or by name. */
export type InputShapes =
  | readonly number[]
  | readonly (readonly number[])[]
  | { readonly [name: string]: readonly number[] };

/**
 * Draws what a training step needs.
 *
 * @param specs as `noise(shape)` of a functional model gives them
 * @param random a stream of the step's own, such as `createRandom(seed, step)`: the same keys give the same numbers
 */
export function drawNoise<N extends string>(
  specs: Readonly<Record<N, NoiseSpec>>,
  random: Pick<Random, 'uniform' | 'normal'>,
): Record<N, HostTensor> {
  const drawn = {} as Record<N, HostTensor>;
  for (const [name, { shape, distribution }] of Object.entries<NoiseSpec>(specs)) {
    // One that is rounded up to 1 as a float32 would keep an element twice over.
    const draw =
      distribution === 'normal' ? () => random.normal() : () => Math.min(random.uniform(), BELOW_ONE);
    drawn[name as N] = { dtype: 'float32', shape, data: Float32Array.from({ length: sizeOf(shape) }, draw) };
  }
  return drawn;
}

/** The largest float32 below 1. */
const BELOW_ONE = 1 - 2 ** -24;

/** A name for each of a layer's needs: the layer's own, then `name.1`, `name.2` and so on. */
export const noiseName = (layer: string, count: number): string =>
  count === 0 ? layer : `${layer}.${count}`;

/** Gives each layer its random numbers, each once, by the layer's name and the shape that it asks for. */
export type TakeNoise = (layer: string, shape: readonly number[]) => tf.Tensor;

/** @throws from the function that it returns, when there is no such noise */
export function noiseTaker(noise: NamedTfTensors | undefined): TakeNoise {
  const taken = new Set<string>();
  return (layer, shape) => {
    if (!noise) {
      throw new Error(
        `The layer '${layer}' needs random numbers in training, which are an input here: ` +
          'apply(params, x, { training: true, noise }), with noise drawn by drawNoise(model.noise(x.shape), createRandom(seed, step)).',
      );
    }
    for (let count = 0; ; count++) {
      const name = noiseName(layer, count);
      const tensor = noise[name];
      if (!tensor) {
        throw new Error(
          `The layer '${layer}' needs random numbers of shape [${shape}] in training, but noise has ` +
            `${describe(noise)}. Draw what noise(shape) of this model names for inputs of this shape.`,
        );
      }
      if (taken.has(name) || !sameShape(tensor.shape, shape)) continue;
      taken.add(name);
      return tensor;
    }
  };
}

const describe = (noise: NamedTfTensors) =>
  Object.entries(noise)
    .map(([name, { shape }]) => `'${name}' [${shape}]`)
    .join(', ') || 'none';
