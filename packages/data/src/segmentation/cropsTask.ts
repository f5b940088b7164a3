import type { SampleTask } from '../loading/task';
import { type FolderSource, type PackedSource, packSource, unpackSource } from '../sources/source';
import { type CropRecipe, type Crops, prepareCrops } from './prepareCrops';
import type { SegmentationSource } from './segmentationFolder';

export interface CropsSetup<Source = SegmentationSource> {
  readonly source: Source;
  readonly recipe: CropRecipe;
}

type PackedSegmentation = Omit<SegmentationSource, 'images'> & {
  readonly images: PackedSource<FolderSource>;
};

/** Crops of images with the classes of their pixels. */
export const cropsTask: SampleTask<CropsSetup, Crops, CropsSetup<PackedSegmentation>> = {
  name: 'crops',
  prepare: ({ source, recipe }, { epoch, indices, reused }) =>
    prepareCrops(source, recipe, epoch, indices, reused),
  pack: ({ source, recipe }) => ({ source: { ...source, images: packSource(source.images) }, recipe }),
  unpack: ({ source, recipe }) => ({ source: { ...source, images: unpackSource(source.images) }, recipe }),
};
