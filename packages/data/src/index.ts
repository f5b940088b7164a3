export type { Background } from './background';
export { type Canvas, createCanvas, type View } from './canvas';
export {
  type ClassFolder,
  type ClassFolderOptions,
  classFolder,
  type LabelledFolder,
} from './classFolder';
export { type Adjustment, BEIT_COLOR_JITTER, type ColorJitter, drawAdjustments } from './colorJitter';
export { type Batch, createLoader, type Loader, type LoaderOptions } from './createLoader';
export { BEIT_CROP, centerCropBox, type RandomResizedCrop, randomCropBox } from './crops';
export {
  type Emoji,
  type EmojiDataset,
  type EmojiOptions,
  type EmojiSplit,
  emojiCatalog,
  emojiDataset,
} from './emojiDataset';
export { IMAGE_EXTENSIONS, imageFolder } from './imageFolder';
export { loadViews } from './loadViews';
export type { Box, Pixels } from './pixels';
export type { MaskingOptions, SampleRecipe, Samples, Unreadable } from './prepareSamples';
export { BEIT_RAND_AUGMENT, type RandAugment } from './randAugment';
export { BEIT_ERASING, type RandomErasing } from './randomErasing';
export { readPixels } from './readPixels';
export type { ResampleFilter } from './resampleWeights';
export type { FolderSource, ImageSource, MemorySource } from './source';
export {
  type Augmentation,
  IMAGENET_NORMALIZATION,
  INCEPTION_NORMALIZATION,
  type Normalization,
  patchCoverage,
  type TwoViewOptions,
  type TwoViews,
  twoViews,
} from './twoViews';
