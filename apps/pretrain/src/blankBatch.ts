import { dropPathKeeps } from '@beit/cli';
import { createLoader } from '@beit/data';
import { createRandom } from '@beit/random';
import { type Branch, type HostTensor, zeros } from '@beit/tensors';
import type { PretrainRecipe } from './recipe';
import type { Objective } from './targets/objective';
import { trainingViews } from './views';

export function full(shape: readonly number[], value: number): HostTensor {
  const tensor = zeros(shape);
  (tensor.data as Float32Array).fill(value);
  return tensor;
}

/** Masked patches of an image, at most. */
export async function mostMasked(recipe: PretrainRecipe): Promise<number> {
  const loader = createLoader({
    source: { kind: 'memory', names: [''], size: 1, pixels: new SharedArrayBuffer(4) },
    batchSize: 1,
    seed: 0,
    views: trainingViews(recipe),
    masking: recipe.mim.masking,
    workers: 0,
  });
  await loader.close();
  return loader.maxMasked;
}

/** A micro-batch of stage 2 with the shapes of a real one. */
export const blankBatch = (objective: Objective, images: number, maxMasked: number): Branch<HostTensor> => ({
  images: full([images, ...objective.vit.config.imageSize, objective.vit.config.inChannels], 0.1),
  ...objective.blankTargets(images),
  masked: {
    positions: {
      dtype: 'int32',
      shape: [images, maxMasked],
      data: Int32Array.from({ length: images * maxMasked }, (_, i) => i % maxMasked),
    },
    weights: full([images, maxMasked], 1),
  },
  ...dropPathKeeps(objective.vit, images, createRandom(0)),
});
