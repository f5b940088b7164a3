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
export type { Unreadable } from './eachReadable';
export {
  type Emoji,
  type EmojiDataset,
  type EmojiOptions,
  type EmojiSplit,
  emojiCatalog,
  emojiDataset,
  isSkinToned,
} from './emojiDataset';
export { IMAGE_EXTENSIONS } from './imageExtensions';
export { imageFolder } from './imageFolder';
export { loadViews } from './loadViews';
export { compactNames, type Names } from './names';
export type { Box, Pixels } from './pixels';
export type { MaskingOptions, SampleRecipe, Samples } from './prepareSamples';
export { BEIT_RAND_AUGMENT, type RandAugment } from './randAugment';
export { BEIT_ERASING, type RandomErasing } from './randomErasing';
export { readPixels } from './readPixels';
export type { ResampleFilter } from './resampleWeights';
export type { SampleLoader, SampleLoaderOptions } from './sampleLoader';
export { type CropBatch, type CropLoaderOptions, createCropLoader } from './segmentation/createCropLoader';
export {
  type EmojiScene,
  type EmojiScenes,
  type EmojiScenesOptions,
  emojiScenes,
  type SceneOptions,
  type ScenePart,
  writeEmojiScenes,
} from './segmentation/emojiScenes';
export {
  ADE20K_DISTORTION,
  distortColors,
  type PhotometricDistortion,
} from './segmentation/photometricDistortion';
export type { CropOptions, CropRecipe } from './segmentation/prepareCrops';
export { type Annotation, type AnnotationOptions, readAnnotation } from './segmentation/readAnnotation';
export {
  readLabelled,
  readScaled,
  type ScaledImages,
  type ScaledOptions,
} from './segmentation/readScaled';
export { ADE20K_SCALE, type ImageScale, scaleFactor } from './segmentation/scale';
export {
  type SegmentationFolder,
  type SegmentationSource,
  segmentationFolder,
} from './segmentation/segmentationFolder';
export { findShards, isShards } from './shards/findShards';
export { indexShards } from './shards/indexShards';
export { type OpenedShards, openShards, type ShardOptions, type ShardPart } from './shards/openShards';
export { ShardError } from './shards/shardError';
export { isAddress, type ShardCache, type ShardFile } from './shards/shardFile';
export { formatShardIndex, type IndexedShard, type ShardIndex } from './shards/shardIndex';
export { verifyShards } from './shards/verifyShards';
export { type ShardWriterOptions, writeShards } from './shards/writeShards';
export type { FolderSource, ImageSource, MemorySource, ShardSource } from './source';
export { subset } from './subset';
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
