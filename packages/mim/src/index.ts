export { completePixels } from './completePixels';
export { completeTokens } from './completeTokens';
export { createMim, type Mim, type MimConfig, type MimOutputs } from './createMim';
export {
  createPixelRegression,
  type PixelOutputs,
  type PixelRegression,
  type PixelRegressionConfig,
} from './createPixelRegression';
export { type ElboReport, type ElboTerms, elbo } from './elbo';
export {
  type Backbone,
  type EncodeMaskedOptions,
  type MaskedPositions,
  type TensorParams,
  toMask,
} from './maskedEncoder';
export { type PixelBatch, type PixelTensors, pixelLoss, pixelStep } from './pixelStep';
export { type PretrainBatch, type PretrainTensors, pretrainLoss, pretrainStep } from './pretrainStep';
