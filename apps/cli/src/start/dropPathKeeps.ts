import type { Random } from '@beit/random';
import type { HostTensor } from '@beit/tensors';
import { drawDropPathKeeps, type Vit } from '@beit/vit';

/** The part of a batch that says which paths are dropped; nothing for a model that drops none. */
export const dropPathKeeps = (
  { config }: Pick<Vit, 'config'>,
  batchSize: number,
  random: Random,
): { readonly dropPathKeeps?: HostTensor } =>
  config.dropPathRate > 0 ? { dropPathKeeps: drawDropPathKeeps(config, batchSize, random) } : {};
