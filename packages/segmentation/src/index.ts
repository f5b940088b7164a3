export * from './createSegmenter';
export { createSetrHead, type SetrHead, type SetrHeadConfig, type TensorParams } from './createSetrHead';
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
