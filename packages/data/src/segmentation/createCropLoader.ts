import type { HostTensor } from '@beit/tensors';
import {
  concatenate,
  createSampleLoader,
  type SampleLoader,
  type SampleLoaderOptions,
} from '../loading/sampleLoader';
import { cropsTask } from './cropsTask';
import type { CropRecipe } from './prepareCrops';
import type { SegmentationSource } from './segmentationFolder';

export interface CropLoaderOptions extends CropRecipe, SampleLoaderOptions {
  readonly source: SegmentationSource;
}

/** One batch, as tensors on the host. */
export interface CropBatch {
  /** `[batch, cropSize, cropSize, 3]`, normalized. */
  readonly images: HostTensor;
  /** `[batch, cropSize, cropSize]` int32: a class, or 255. */
  readonly labels: HostTensor;
  /** Which images they are of: indices into the source, and names. */
  readonly indices: readonly number[];
  readonly names: readonly string[];
}

/** Random crops with the classes of their pixels; otherwise as `createLoader`. @throws as `createLoader` */
export function createCropLoader(options: CropLoaderOptions): SampleLoader<CropBatch> {
  const { source, seed, crops, annotation } = options;
  const { cropSize } = crops;
  return createSampleLoader({
    images: source.images,
    task: cropsTask,
    setup: { source, recipe: { seed, crops, annotation } },
    options,
    toBatch(parts, reused?: CropBatch): CropBatch {
      const indices = parts.flatMap(({ indices }) => indices);
      const shape = [indices.length, cropSize, cropSize];
      return {
        images: {
          dtype: 'float32',
          shape: [...shape, 3],
          data: concatenate(
            parts.map(({ images }) => images),
            reused?.images,
          ),
        },
        labels: {
          dtype: 'int32',
          shape,
          data: concatenate(
            parts.map(({ labels }) => labels),
            reused?.labels,
          ),
        },
        indices,
        names: parts.flatMap(({ names }) => names),
      };
    },
  });
}
