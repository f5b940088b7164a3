/** What a model wants its images to be: `(pixel - mean) / std` for each channel, pixels in [0, 1]. */
export interface Normalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}

/** Filters as Pillow has them, antialiased: when reducing, as much wider. */
export type ResampleFilter = 'nearest' | 'box' | 'bilinear' | 'hamming' | 'bicubic' | 'lanczos';

/** Pixels. */
export interface Size {
  readonly height: number;
  readonly width: number;
}

/** How a picture of any size comes to the size that a model takes: first resized, then cut. */
export interface Framing {
  /** To a shorter edge, with its proportions (the longer edge is rounded down), or stretched to a size. Left out: it is not resized. */
  readonly resize?: {
    readonly to: Size | { readonly shortestEdge: number };
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
  /** Side of the square that is left, pixels. */
  readonly imageSize: number;
  /** That side as a share of the shorter one before, (0, 1]: timm's and the official code's `crop_pct`. */
  readonly cropShare: number;
  /** Default 'bicubic'. */
  readonly filter?: ResampleFilter;
}

/**
 * The middle square of a picture over white, as transformers cuts it.
 * Reference: microsoft/unilm beit/datasets.py, build_transform.
 *
 * @throws RangeError for a share that is not in (0, 1]
 */
export function centerFraming({ imageSize, cropShare, filter = 'bicubic' }: CenterOptions): Framing {
  if (!(cropShare > 0 && cropShare <= 1))
    throw new RangeError(`cropShare is ${cropShare}; expected a number above 0, at most 1.`);
  return {
    resize: { to: { shortestEdge: Math.floor(imageSize / cropShare) }, filter },
    crop: { height: imageSize, width: imageSize, rounding: 'down' },
    transparency: 'white',
  };
}

/** The whole picture squeezed into a square, over white: what transformers' processors of the released models do. */
export const stretchFraming = (imageSize: number, filter: ResampleFilter = 'bicubic'): Framing => ({
  resize: { to: { height: imageSize, width: imageSize }, filter },
  transparency: 'white',
});

/** The size that every picture comes to; undefined: it depends on the picture. */
export function framedSize({ resize, crop }: Framing): Size | undefined {
  if (crop) return { height: crop.height, width: crop.width };
  return resize && 'height' in resize.to ? resize.to : undefined;
}

/** For people: `shorter edge to 256 (bicubic), 224x224 of the middle`. */
export function describeFraming({ resize, crop }: Framing): string {
  const size = ({ height, width }: Size) => `${width}x${height}`;
  const resized =
    resize &&
    ('height' in resize.to
      ? `stretched to ${size(resize.to)} (${resize.filter})`
      : `shorter edge to ${resize.to.shortestEdge} (${resize.filter})`);
  return [resized ?? 'at their own size', ...(crop ? [`${size(crop)} of the middle`] : [])].join(', ');
}

/** For people: `mean 0.485 0.456 0.406, deviation 0.229 0.224 0.225`. */
export function describeNormalization({ mean, std }: Normalization): string {
  const numbers = (values: readonly number[]) =>
    values.map((value) => Number(value.toPrecision(4))).join(' ');
  return `mean ${numbers(mean)}, deviation ${numbers(std)}`;
}
