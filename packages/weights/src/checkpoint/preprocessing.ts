import { describeSize, type ImageSize, imageSides, MOST_PIXELS } from '@beit/tensors';

/** A number for gray images, or three: red, green, blue. */
export type PerChannel = readonly [gray: number] | readonly [red: number, green: number, blue: number];

/** What a model wants its images to be: `(pixel - mean) / std` for each channel, pixels in [0, 1]. */
export interface Normalization {
  readonly mean: PerChannel;
  readonly std: PerChannel;
}

/** Channels of the images that a model wants: 1, gray, or 3, red, green and blue. */
export const channelsOf = ({ mean }: Normalization): 1 | 3 => mean.length;

/** Filters as Pillow has them, antialiased: when reducing, as much wider. */
export type ResampleFilter = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';

/** Pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** How a picture of any size comes to the size that a model takes: first resized, then cut. */
export interface Framing {
  /**
   * To a shorter edge, with its proportions (the longer edge is rounded down); with its proportions just large enough to
   * cover a size; or stretched to a size. Left out: it is not resized.
   */
  readonly resize?: {
    readonly to: Size | { readonly shortestEdge: number } | { readonly cover: Size };
    readonly filter: ResampleFilter;
  };
  /**
   * Cut out of the middle; what lies beyond the picture is black. Half a pixel is rounded down (transformers), or to the even
   * number (torchvision, and with it timm). Left out: nothing is cut off.
   */
  readonly crop?: Size & { readonly rounding: 'down' | 'half-even' };
  /** Transparent pixels: over white (transformers, this project), or as if they were opaque (timm). */
  readonly transparency: 'white' | 'dropped';
}

/** All that is done to a picture before a model sees it. */
export interface Preprocessing {
  readonly framing: Framing;
  readonly normalization: Normalization;
}

export interface CenterOptions {
  /** What is left, pixels. */
  readonly imageSize: ImageSize;
  /** Its sides as a share of those before, (0, 1]: timm's and the official code's `crop_pct`. */
  readonly cropShare: number;
  /** Default 'bicubic'. */
  readonly filter?: ResampleFilter;
}

/**
 * The middle of a picture over white, as transformers cuts it.
 * References: microsoft/unilm beit/datasets.py, build_transform; for what is no square, which that does not know, timm 1.0.31
 * data/transforms_factory.py, transforms_imagenet_eval.
 *
 * @throws RangeError for a share that is not in (0, 1]
 */
export function centerFraming({ imageSize, cropShare, filter = 'bicubic' }: CenterOptions): Framing {
  if (!(cropShare > 0 && cropShare <= 1))
    throw new RangeError(`cropShare is ${cropShare}; expected a number above 0, at most 1.`);
  const [height, width] = imageSides(imageSize);
  return {
    resize: { to: coverOf({ height, width }, cropShare), filter },
    crop: { height, width, rounding: 'down' },
    transparency: 'white',
  };
}

/** What a picture is resized to, its proportions kept, when a share of it is then cut out of the middle; timm's rule. */
export function coverOf({ height, width }: Size, cropShare: number): NonNullable<Framing['resize']>['to'] {
  const before = (side: number) => beforeCrop(side, cropShare);
  return height === width
    ? { shortestEdge: before(height) }
    : { cover: { height: before(height), width: before(width) } };
}

/** A side before a share of it is cut out. @throws RangeError where that makes a picture too large to be held */
export function beforeCrop(side: number, cropShare: number): number {
  const before = Math.floor(side / cropShare);
  if (before <= MOST_PIXELS) return before;
  throw new RangeError(
    `A share of ${cropShare} that is ${side} pixels wants pictures of ${before}; expected at most ${MOST_PIXELS}.`,
  );
}

/** The whole picture squeezed into a size, over white: what transformers' processors of the released models do. */
export function stretchFraming(imageSize: ImageSize, filter: ResampleFilter = 'bicubic'): Framing {
  const [height, width] = imageSides(imageSize);
  return { resize: { to: { height, width }, filter }, transparency: 'white' };
}

/** The size that every picture comes to; undefined: it depends on the picture. */
export function framedSize({ resize, crop }: Framing): Size | undefined {
  if (crop) return { height: crop.height, width: crop.width };
  return resize && 'height' in resize.to ? resize.to : undefined;
}

/** For people: `shorter edge to 256 (bicubic), 224x224 of the middle`. */
export function describeFraming({ resize, crop }: Framing): string {
  const size = ({ height, width }: Size) => describeSize([height, width]);
  const resizedTo = (to: NonNullable<Framing['resize']>['to']) =>
    'height' in to
      ? `stretched to ${size(to)}`
      : 'cover' in to
        ? `resized to cover ${size(to.cover)}`
        : `shorter edge to ${to.shortestEdge}`;
  const resized = resize && `${resizedTo(resize.to)} (${resize.filter})`;
  return [resized ?? 'at their own size', ...(crop ? [`${size(crop)} of the middle`] : [])].join(', ');
}

/** For people: `mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225`. */
export function describeNormalization({ mean, std }: Normalization): string {
  const numbers = (values: readonly number[]) =>
    values.map((value) => Number(value.toPrecision(4))).join(' ');
  return `mean ${numbers(mean)}, deviation ${numbers(std)}`;
}
