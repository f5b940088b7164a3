import { toMaskedPositions } from '@beit/masking';
import { describeSize, type HostTensor, imageSides } from '@beit/tensors';
import { channelsOf } from '@beit/weights';
import type { ImageSource } from '../sources/source';
import { assertFrames } from '../views/frame';
import { assertIntegers } from './assertIntegers';
import { assertNormalization, sidesOf } from './assertViews';
import { createMasking, type SampleRecipe, type Samples } from './prepareSamples';
import { concatenate, createSampleLoader, type SampleLoader, type SampleLoaderOptions } from './sampleLoader';
import { viewsTask } from './viewsTask';

export interface LoaderOptions extends SampleRecipe, SampleLoaderOptions {
  readonly source: ImageSource;
}

/** One batch, as tensors on the host. */
export interface Batch {
  /** `[batch, height, width, channels]`, normalized. */
  readonly images: HostTensor;
  /** `[batch, height, width, 3]` in [0, 1], at the tokenizer's size. */
  readonly tokenImages: HostTensor;
  /** `[batch, height, width]` in [0, 1], at the tokenizer's size. */
  readonly opacity: HostTensor;
  /** `[batch, maxMasked]` int32 and float32; without masking, `maxMasked` is 0. */
  readonly masked: { readonly positions: HostTensor; readonly weights: HostTensor };
  /** `[patches]` each, 1 = masked. */
  readonly masks: readonly Uint8Array[];
  /** Which images these are: indices into the source, and names. */
  readonly indices: readonly number[];
  readonly names: readonly string[];
}

export interface Loader extends SampleLoader<Batch> {
  /** Masked patches per image at most. */
  readonly maxMasked: number;
}

/** @throws RangeError when there are fewer images than a batch takes, or an option is out of range */
export function createLoader(options: LoaderOptions): Loader {
  const { source, seed, views, masking } = options;
  assertRecipe(views, masking);
  const maxMasked = masking ? createMasking(masking).maxMasked : 0;
  const loader = createSampleLoader({
    images: source,
    task: viewsTask,
    setup: { source, recipe: { seed, views, masking } },
    options,
    toBatch: (parts, reused?: Batch) => toBatch(parts, options, maxMasked, reused),
  });
  return { ...loader, maxMasked };
}

/** What would otherwise be found image by image, as if the images were to blame, or not at all. */
function assertRecipe(
  { imageSize, tokenImageSize, normalization, framing }: SampleRecipe['views'],
  masking: SampleRecipe['masking'],
): void {
  assertIntegers([
    ...sidesOf('views.imageSize', imageSize, 1),
    ...sidesOf('views.tokenImageSize', tokenImageSize, 0),
  ]);
  assertNormalization('views.normalization', normalization);
  if (framing) assertFrames(framing, imageSize);
  const [height, width] = imageSides(imageSize);
  const [rows = 1, columns = rows] = [masking?.gridSize ?? 1].flat();
  if (height % rows !== 0 || width % columns !== 0) {
    throw new RangeError(
      `masking.gridSize is ${JSON.stringify(masking?.gridSize)}; images of ${describeSize(imageSize)} pixels do not fall into so many patches.`,
    );
  }
}

function toBatch(
  parts: readonly Samples[],
  { views }: LoaderOptions,
  maxMasked: number,
  reused?: Batch,
): Batch {
  const tokenSides = imageSides(views.tokenImageSize);
  const masks = parts.flatMap((part) => part.masks);
  const float32 = (
    name: 'images' | 'tokenImages' | 'opacity',
    arrays: readonly Float32Array[],
    ...shape: number[]
  ): HostTensor => ({
    dtype: 'float32',
    shape: [masks.length, ...shape],
    data: concatenate(arrays, reused?.[name]),
  });
  const { shape, positions, weights } =
    maxMasked === 0
      ? { shape: [masks.length, 0], positions: new Int32Array(), weights: new Float32Array() }
      : toMaskedPositions(masks, maxMasked);
  return {
    images: float32(
      'images',
      parts.map(({ image }) => image),
      ...imageSides(views.imageSize),
      channelsOf(views.normalization),
    ),
    tokenImages: float32(
      'tokenImages',
      parts.map(({ tokenImage }) => tokenImage),
      ...tokenSides,
      3,
    ),
    opacity: float32(
      'opacity',
      parts.map(({ opacity }) => opacity),
      ...tokenSides,
    ),
    masked: {
      positions: { dtype: 'int32', shape, data: positions },
      weights: { dtype: 'float32', shape, data: weights },
    },
    masks,
    indices: parts.flatMap(({ indices }) => indices),
    names: parts.flatMap(({ names }) => names),
  };
}
