import { type HostTensor, imageSides } from '@beit/tensors';
import { channelsOf } from '@beit/weights';
import { assertIntegers } from '../loading/assertIntegers';
import { assertNormalization, sidesOf } from '../loading/assertViews';
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
  /** `[batch, height, width, channels]`, normalized. */
  readonly images: HostTensor;
  /** `[batch, height, width]` int32: a class, or 255. */
  readonly labels: HostTensor;
  /** Which images they are of: indices into the source, and names. */
  readonly indices: readonly number[];
  readonly names: readonly string[];
}

/** Random crops with the classes of their pixels; otherwise as `createLoader`. @throws as `createLoader` */
export function createCropLoader(options: CropLoaderOptions): SampleLoader<CropBatch> {
  const { source, seed, crops, annotation } = options;
  assertIntegers(sidesOf('crops.cropSize', crops.cropSize, 1));
  assertNormalization('crops.normalization', crops.normalization);
  return createSampleLoader({
    images: source.images,
    task: cropsTask,
    setup: { source, recipe: { seed, crops, annotation } },
    options,
    toBatch(parts, reused?: CropBatch): CropBatch {
      const indices = parts.flatMap(({ indices }) => indices);
      const shape = [indices.length, ...imageSides(crops.cropSize)];
      return {
        images: {
          dtype: 'float32',
          shape: [...shape, channelsOf(crops.normalization)],
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
