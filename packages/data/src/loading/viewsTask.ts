import { releaseLocks } from '@beit/download';
import { bringAhead, endBringing } from '../shards/bringAhead';
import { type ImageSource, type PackedSource, packSource, unpackSource } from '../sources/source';
import { prepareSamples, type SampleRecipe, type Samples } from './prepareSamples';
import type { SampleTask } from './task';

export interface ViewsSetup<Source = ImageSource> {
  readonly source: Source;
  readonly recipe: SampleRecipe;
}

/** Views of images, with masks. */
export const viewsTask: SampleTask<ViewsSetup, Samples, ViewsSetup<PackedSource>> = {
  name: 'views',
  prepare({ source, recipe }, { epoch, indices, ahead, reused }) {
    if (source.kind === 'shards') bringAhead(source, ahead);
    return prepareSamples(source, recipe, epoch, indices, reused);
  },
  pack: ({ source, recipe }) => ({ source: packSource(source), recipe }),
  unpack: ({ source, recipe }) => ({ source: unpackSource(source), recipe }),
  async cleanUp({ source }, threads) {
    if (source.kind !== 'shards') return;
    await endBringing(source);
    if (source.cache) await releaseLocks(source.cache.directory, threads);
  },
};
