import type { Random } from '@beit/random';
import { type Background, compose } from './background';
import { type ColorJitter, jitterColors } from './colorJitter';
import { centerCropBox, type RandomResizedCrop, randomCropBox } from './crops';
import type { Box, Pixels } from './pixels';
import { resample } from './resample';

/** Mean and standard deviation of each channel of images in [0, 1]. */
export interface Normalization {
  readonly mean: readonly [number, number, number];
  readonly std: readonly [number, number, number];
}
export const INCEPTION_NORMALIZATION: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
export const IMAGENET_NORMALIZATION: Normalization = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

export interface TwoViewOptions {
  /** Side of the view for the encoder, pixels. BEiT: 224. */
  readonly imageSize: number;
  /** Side of the view for the tokenizer. BEiT: 112. */
  readonly tokenImageSize: number;
  readonly normalization: Normalization;
  readonly background: Background;
  /** Left out: no random change, the centre of the image. */
  readonly augmentation?: {
    readonly crop: RandomResizedCrop;
    readonly colorJitter?: ColorJitter;
    /** Probability of mirroring. BEiT: 0.5. */
    readonly flip: number;
  };
}

export interface TwoViews {
  /** `[imageSize, imageSize, 3]`, normalized. */
  readonly image: Float32Array;
  /** `[tokenImageSize, tokenImageSize, 3]` in [0, 1]. */
  readonly tokenImage: Float32Array;
  /** Opacity of the token view, `[tokenImageSize, tokenImageSize]` in [0, 1]; 1 everywhere for opaque images. */
  readonly opacity: Float32Array;
}

/**
 * One crop, seen twice: BEiT's augmentation. Colour jitter before the crop, mirroring, one random resized crop that is
 * brought to the encoder's size with a bicubic filter and to the tokenizer's with Lanczos.
 * Paper: section 2.5; reference: microsoft/unilm beit/datasets.py, DataAugmentationForBEiT.
 */
export function twoViews(pixels: Pixels, options: TwoViewOptions, random: Random): TwoViews {
  const { imageSize, tokenImageSize, normalization, background, augmentation } = options;
  const { width, height } = pixels;
  const colors = compose(pixels, background, random);
  if (augmentation?.colorJitter) jitterColors(colors, augmentation.colorJitter, random);
  const flip = augmentation !== undefined && random.uniform() < augmentation.flip;
  const box = augmentation
    ? randomCropBox(width, height, augmentation.crop, random)
    : centerCropBox(width, height);

  const view = (size: number, filter: 'bicubic' | 'lanczos') =>
    resample(colors, [height, width, 3], box, size, filter, flip);
  const { mean, std } = normalization;
  const image = scaled(view(imageSize, 'bicubic'));
  for (let i = 0; i < image.length; i++) image[i] = (image[i]! - mean[i % 3]!) / std[i % 3]!;
  return {
    image,
    tokenImage: scaled(view(tokenImageSize, 'lanczos')),
    opacity: opacityView(pixels, box, tokenImageSize, flip),
  };
}

/** Bytes as numbers in [0, 1]. */
function scaled(bytes: Uint8ClampedArray): Float32Array {
  const result = new Float32Array(bytes.length);
  for (let i = 0; i < bytes.length; i++) result[i] = bytes[i]! / 255;
  return result;
}

function opacityView(
  { data, channels, width, height }: Pixels,
  box: Box,
  size: number,
  flip: boolean,
): Float32Array {
  if (channels === 3) return new Float32Array(size * size).fill(1);
  const opacity = new Uint8Array(width * height);
  for (let i = 0; i < opacity.length; i++) opacity[i] = data[i * 4 + 3]!;
  return scaled(resample(opacity, [height, width, 1], box, size, 'box', flip));
}

/**
 * Which share of each patch an object covers.
 *
 * @param opacity `[size, size]`
 * @returns `[rows * columns]` in [0, 1], row-major
 */
export function patchCoverage(
  opacity: Float32Array,
  [rows, columns]: readonly [number, number],
): Float32Array {
  const size = Math.round(Math.sqrt(opacity.length));
  const [h, w] = [size / rows, size / columns];
  if (!Number.isInteger(h) || !Number.isInteger(w)) {
    throw new RangeError(
      `A view of ${size}x${size} pixels does not split into a grid of ${rows}x${columns}.`,
    );
  }
  const coverage = new Float32Array(rows * columns);
  for (let i = 0; i < opacity.length; i++) {
    const row = Math.floor(Math.floor(i / size) / h);
    coverage[row * columns + Math.floor((i % size) / w)]! += opacity[i]! / (h * w);
  }
  return coverage;
}
