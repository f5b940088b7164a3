export { ADE20K_CLASSES, ADE20K_PALETTE, type Color } from './ade20k';
export { colorClasses, createPalette, overlayClasses } from './colorClasses';
export * from './createSegmenter';
export { createSetrHead, type SetrHead, type SetrHeadConfig, type TensorParams } from './createSetrHead';
export { fromMmsegmentation, toMmsegmentation } from './mmsegmentation';
export * from './pixelCrossEntropy';
export * from './segmentationMetrics';
export { type SegmentImageOptions, segmentImage } from './segmentImage';
export {
  type FloatImage,
  type SlidingOptions,
  slidingLogits,
  type WindowModel,
  windowStarts,
} from './slidingLogits';
