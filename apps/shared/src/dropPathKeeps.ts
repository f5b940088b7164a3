import type { Random } from '@beit/random';
import { drawDropPathKeeps, type Vit } from '@beit/vit';
import type { HostTree } from './trainingProgram';

/** The part of a batch that says which paths are dropped; nothing for a model that drops none. */
export const dropPathKeeps = (
  { config }: Pick<Vit, 'config'>,
  batchSize: number,
  random: Random,
): HostTree =>
  config.dropPathRate > 0 ? { dropPathKeeps: drawDropPathKeeps(config, batchSize, random) } : {};
