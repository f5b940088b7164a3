export { ADE20K_CLASSES, ADE20K_PALETTE, type Color } from './ade20k';
export { colorClasses, createPalette, overlayClasses } from './colorClasses';
export * from './createSegmenter';
export { createFcnHead, type FcnHeadConfig } from './heads/createFcnHead';
export { createMlaHead, type MlaHeadConfig } from './heads/createMlaHead';
export { createSetrHead, type SetrHeadConfig } from './heads/createSetrHead';
export { createUperHead, type UperHeadConfig } from './heads/createUperHead';
export {
  type AuxiliaryHead,
  MLA_BLOCKS,
  SETR_AUXILIARY_HEADS,
  type SegmenterHead,
  type SetrMla,
  type SetrNaive,
  type SetrPup,
  UPERNET_BLOCKS,
  type UperNet,
} from './heads/placedHeads';
export type { SegmentationHead } from './heads/segmentationHead';
export { inferHead, uperNetOfMmsegmentation, uperNetOfTransformers } from './inferHead';
export * from './pixelCrossEntropy';
export * from './segmentationMetrics';
export { type SegmentImageOptions, segmentImage, segmentWhole } from './segmentImage';
export {
  type FloatImage,
  type SlidingOptions,
  type Stride,
  slidingLogits,
  type WindowModel,
  windowStarts,
} from './slidingLogits';
