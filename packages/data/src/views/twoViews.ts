import type { Random } from '@beit/random';
import { describeSize, type ImageSize, imageSides } from '@beit/tensors';
import { channelsOf, type Framing, type Normalization } from '@beit/weights';
import { type Background, compose } from '../pixels/background';
import type { Canvas } from '../pixels/canvas';
import { type ColorJitter, drawAdjustments } from './colorJitter';
import { centerCropBox, type RandomResizedCrop, randomCropBox } from './crops';
import { assertFrames, frame } from './frame';
import { applyRandAugment, type RandAugment } from './randAugment';
import { eraseRandomly, type RandomErasing } from './randomErasing';

export type { Normalization };
export const INCEPTION_NORMALIZATION: Normalization = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };
export const IMAGENET_NORMALIZATION: Normalization = {
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

export interface Augmentation {
  readonly crop: RandomResizedCrop;
  readonly colorJitter?: ColorJitter;
  /** Probability of mirroring. BEiT: 0.5. */
  readonly flip: number;
  /** Changes the encoder's view alone: for fine-tuning, without a view for the tokenizer. */
  readonly randAugment?: RandAugment;
  /** Likewise for the encoder's view, after normalization. */
  readonly erasing?: RandomErasing;
}

export interface TwoViewOptions {
  /** The view for the encoder, pixels. BEiT: 224. */
  readonly imageSize: ImageSize;
  /** The view for the tokenizer. BEiT: 112 in pre-training; 0, no such view, in fine-tuning. */
  readonly tokenImageSize: ImageSize;
  /** With one number each, both views are gray, the encoder's in one channel. */
  readonly normalization: Normalization;
  /** What shows through transparent pixels. Default 'white'. */
  readonly background?: Background;
  /** Left out: no random change, the largest part in the middle that has the encoder's proportions. */
  readonly augmentation?: Augmentation;
  /** Instead of both: the encoder's view as a model's preprocessing has it, which makes `imageSize` of every picture. */
  readonly framing?: Framing;
}

export interface TwoViews {
  /** `[height, width, channels]`, normalized. */
  readonly image: Float32Array;
  /** `[height, width, 3]` in [0, 1]. */
  readonly tokenImage: Float32Array;
  /** Opacity of the token view, `[height, width]` in [0, 1]; 1 everywhere for opaque images. */
  readonly opacity: Float32Array;
}

/**
 * One crop, seen twice: BEiT's augmentation. Colour jitter before the crop, mirroring, one random resized crop that is
 * brought to the encoder's size with a bicubic filter and to the tokenizer's with Lanczos.
 * Paper: section 2.5; reference: microsoft/unilm beit/datasets.py, DataAugmentationForBEiT.
 *
 * @param canvas is changed
 * @param into where the views are written, and what is returned; default: arrays of their own
 */
export function twoViews(
  canvas: Canvas,
  options: TwoViewOptions,
  random: Random,
  into: TwoViews = emptyViews(options, 1),
): TwoViews {
  const { imageSize, tokenImageSize, normalization, background = 'white', augmentation, framing } = options;
  assertOneSight(options);
  const { mean, std } = normalization;
  if (framing) {
    frame(canvas, framing, channelsOf(normalization)).normalized(mean, std, into.image);
    return into;
  }
  const { width, height } = canvas;
  compose(canvas, background, random);
  if (mean.length === 1) canvas.makeGray();
  const [rows, columns] = imageSides(imageSize);
  const adjustments = augmentation?.colorJitter ? drawAdjustments(augmentation.colorJitter, random) : [];
  const flip = augmentation !== undefined && random.uniform() < augmentation.flip;
  const box = augmentation
    ? randomCropBox(width, height, augmentation.crop, random, columns / rows)
    : centerCropBox(width, height, columns / rows);

  canvas.adjust(adjustments, box);
  const view = canvas.view(box, imageSize, 'bicubic', flip);
  if (augmentation?.randAugment) {
    const size = { width: columns, height: rows };
    applyRandAugment({ view, size, fill: levelsOf(normalization) }, augmentation.randAugment, random);
  }
  view.normalized(mean, std, into.image);
  if (augmentation?.erasing) eraseRandomly(into.image, imageSize, augmentation.erasing, random);
  if (!hasTokenView(options)) return into;

  canvas.view(box, tokenImageSize, 'lanczos', flip).normalized([0, 0, 0], [1, 1, 1], into.tokenImage);
  if (canvas.opaque) into.opacity.fill(1);
  else canvas.view(box, tokenImageSize, 'box', flip).opacity(into.opacity);
  return into;
}

/** The mean color, 0 to 255. */
export function levelsOf({ mean }: Normalization): readonly [number, number, number] {
  const level = (x: number) => Math.round(255 * x);
  const [red, green = red, blue = red] = mean;
  return [level(red), level(green), level(blue)];
}

const hasTokenView = ({ tokenImageSize }: Pick<TwoViewOptions, 'tokenImageSize'>) =>
  areaOf(tokenImageSize) > 0;

function areaOf(size: ImageSize): number {
  const [height, width] = imageSides(size);
  return height * width;
}

/** Visual tokens are of what the encoder sees, and a framing has no second view. */
function assertOneSight(options: TwoViewOptions): void {
  const { imageSize, tokenImageSize, augmentation, framing } = options;
  const isTwo = hasTokenView(options);
  if (framing && (augmentation || isTwo)) {
    throw new RangeError(
      `A framing is the encoder's view alone, without augmentation; with it, tokenImageSize must be 0 and is ${JSON.stringify(tokenImageSize)}.`,
    );
  }
  if (framing) assertFrames(framing, imageSize);
  if (isTwo && (augmentation?.randAugment || augmentation?.erasing)) {
    throw new RangeError(
      `RandAugment and erasing change one view alone; with them, tokenImageSize must be 0 and is ${JSON.stringify(tokenImageSize)}.`,
    );
  }
}

/** Room for the views of `count` images, one after the other. */
export function emptyViews(options: TwoViewOptions, count: number): TwoViews {
  const { image, tokenImage, opacity } = lengthsOf(options);
  return {
    image: new Float32Array(count * image),
    tokenImage: new Float32Array(count * tokenImage),
    opacity: new Float32Array(count * opacity),
  };
}

/** The place of the views of image `i` among those of several. */
export function viewsAt(
  { image, tokenImage, opacity }: TwoViews,
  options: TwoViewOptions,
  i: number,
): TwoViews {
  const lengths = lengthsOf(options);
  const part = (array: Float32Array, size: number) => array.subarray(i * size, (i + 1) * size);
  return {
    image: part(image, lengths.image),
    tokenImage: part(tokenImage, lengths.tokenImage),
    opacity: part(opacity, lengths.opacity),
  };
}

/** Numbers of the views of one image. */
const lengthsOf = ({ imageSize, tokenImageSize, normalization }: TwoViewOptions) => ({
  image: areaOf(imageSize) * channelsOf(normalization),
  tokenImage: areaOf(tokenImageSize) * 3,
  opacity: areaOf(tokenImageSize),
});

/**
 * Which share of each patch an object covers.
 *
 * @param opacity `[height, width]`, of this `imageSize`
 * @returns `[rows * columns]` in [0, 1], row-major
 */
export function patchCoverage(
  opacity: Float32Array,
  imageSize: ImageSize,
  [rows, columns]: readonly [number, number],
): Float32Array {
  const [height, width] = imageSides(imageSize);
  const [h, w] = [height / rows, width / columns];
  if (!Number.isInteger(h) || !Number.isInteger(w)) {
    throw new RangeError(
      `A view of ${describeSize(imageSize)} pixels does not split into a grid of ${rows}x${columns}.`,
    );
  }
  const coverage = new Float32Array(rows * columns);
  for (let i = 0; i < opacity.length; i++) {
    const row = Math.floor(Math.floor(i / width) / h);
    coverage[row * columns + Math.floor((i % width) / w)]! += opacity[i]! / (h * w);
  }
  return coverage;
}
