export type { ResampleFilter } from '@beit/weights';
export {
  type LabelFile,
  type LabelFileOptions,
  type LabelFilePart,
  type LabelledImages,
  labelFile,
  labelFilePart,
} from './labels/labelFile';
export { type LabelSets, rarestLabels } from './labels/rarestLabels';
export { type Batch, createLoader, type Loader, type LoaderOptions } from './loading/createLoader';
export type { Unreadable } from './loading/eachReadable';
export { loadViews } from './loading/loadViews';
export type { MaskingOptions, SampleRecipe, Samples } from './loading/prepareSamples';
export { readPixels } from './loading/readPixels';
export type { SampleLoader, SampleLoaderOptions } from './loading/sampleLoader';
export type { Adjustment } from './pixels/adjust';
export type { Background } from './pixels/background';
export { type Canvas, createCanvas, type View } from './pixels/canvas';
export type { Box, Pixels } from './pixels/pixels';
export { chooseLabels, fitLabels, type LabelFit } from './segmentation/chooseLabels';
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
  type AnnotationOptions,
  describeNumbers,
  LABEL_NUMBERS,
  type LabelNumbers,
  numberOfClass,
} from './segmentation/labelNumbers';
export {
  ADE20K_DISTORTION,
  distortColors,
  type PhotometricDistortion,
} from './segmentation/photometricDistortion';
export type { CropOptions, CropRecipe } from './segmentation/prepareCrops';
export { type Annotation, readAnnotation } from './segmentation/readAnnotation';
export { ColorMaskError, type Mask, readMask } from './segmentation/readMask';
export { type MaskColors, readMaskColors } from './segmentation/readMaskColors';
export {
  readLabelled,
  readScaled,
  type ScaledImages,
  type ScaledOptions,
} from './segmentation/readScaled';
export { ADE20K_SCALE, type ImageScale, scaleFactor } from './segmentation/scale';
export {
  SEGMENTATION_PARTS,
  type SegmentationFolder,
  type SegmentationPart,
  type SegmentationSource,
  segmentationFolder,
} from './segmentation/segmentationFolder';
export { type MaskSurvey, type NumberCount, surveyMasks } from './segmentation/surveyMasks';
export { findShards, isShards } from './shards/findShards';
export { indexShards } from './shards/indexShards';
export { type OpenedShards, openShards, type ShardOptions, type ShardPart } from './shards/openShards';
export { ShardError } from './shards/shardError';
export { isAddress } from './shards/shardFile';
export { formatShardIndex, type IndexedShard, isShardIndex, type ShardIndex } from './shards/shardIndex';
export { verifyShards } from './shards/verifyShards';
export { type ShardWriterOptions, shardName, writeShards } from './shards/writeShards';
export { CIFAR_SIDE, type Cifar, type CifarBatch, openCifar } from './sources/cifar';
export {
  type ClassFolder,
  type ClassFolderOptions,
  type ClassFolderPart,
  classFolder,
  classFolderPart,
  type LabelledFolder,
  missingClasses,
} from './sources/classFolder';
export { countDeep } from './sources/countDeep';
export {
  type Emoji,
  type EmojiDataset,
  type EmojiOptions,
  type EmojiSplit,
  emojiCatalog,
  emojiDataset,
  isSkinToned,
} from './sources/emojiDataset';
export { type Part, partCalled } from './sources/folderParts';
export { type HeldOutOptions, heldOutNames } from './sources/heldOutNames';
export { describePassedOver, IMAGE_EXTENSIONS, type PassedOver } from './sources/imageExtensions';
export { type ImageFolder, imageFolder } from './sources/imageFolder';
export { compactNames, type Names } from './sources/names';
export type {
  FolderSource,
  ImageSource,
  MemorySource,
  ShardCache,
  ShardFile,
  ShardSource,
} from './sources/source';
export { type SourceIdentity, sourceIdentity } from './sources/sourceIdentity';
export { subset } from './sources/subset';
export { BEIT_COLOR_JITTER, type ColorJitter, drawAdjustments } from './views/colorJitter';
export { BEIT_CROP, centerCropBox, type RandomResizedCrop, randomCropBox } from './views/crops';
export { frame } from './views/frame';
export { BEIT_RAND_AUGMENT, type RandAugment } from './views/randAugment';
export { BEIT_ERASING, type RandomErasing } from './views/randomErasing';
export {
  type Augmentation,
  IMAGENET_NORMALIZATION,
  INCEPTION_NORMALIZATION,
  type Normalization,
  patchCoverage,
  type TwoViewOptions,
  type TwoViews,
  twoViews,
} from './views/twoViews';
