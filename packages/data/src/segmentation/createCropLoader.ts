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
import { classOfNumber } from './labelNumbers';
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
  assertRecipe(options);
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

/** What would otherwise be found image by image, as if the images were to blame, or not at all. */
function assertRecipe({ source, crops, annotation }: CropLoaderOptions): void {
  const { cropSize, scale = [], ratio, categoryMaxRatio, flip, normalization } = crops;
  assertIntegers([
    ...sidesOf('crops.cropSize', cropSize, 1),
    ...scale.map((side, i) => [`crops.scale[${i}]`, side, 1] as const),
  ]);
  assertNormalization('crops.normalization', normalization);
  const [least, most] = ratio;
  if (!(least > 0 && least <= most && Number.isFinite(most)))
    throw new RangeError(
      `crops.ratio is ${JSON.stringify(ratio)}; expected two numbers above 0, the larger one last.`,
    );
  for (const [name, share] of Object.entries({ categoryMaxRatio, flip }))
    if (!(share >= 0 && share <= 1))
      throw new RangeError(`crops.${name} is ${share}; expected a number from 0 to 1.`);
  classOfNumber(annotation);
  const [images, annotations] = [source.images.names.length, source.annotations.length];
  if (images !== annotations)
    throw new RangeError(`There are ${images} images and ${annotations} annotations; expected as many.`);
}
