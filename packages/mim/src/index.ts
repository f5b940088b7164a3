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
export { encoderImages } from './encoderImages';
export { type FillInModel, type FillInState, fillInRound, maskedAfter } from './fillInRound';
export {
  type EncodeMaskedOptions,
  type MaskedPositions,
  toMask,
} from './maskedEncoder';
export { type PixelBatch, pixelLoss, pixelStep } from './pixelStep';
export { type PretrainBatch, pretrainLoss, pretrainStep } from './pretrainStep';
