export { completeTokens } from './completeTokens';
export {
  type Backbone,
  createMim,
  type EncodeMaskedOptions,
  type MaskedPositions,
  type Mim,
  type MimConfig,
  type MimOutputs,
  type TensorParams,
  toMask,
} from './createMim';
export { type ElboReport, type ElboTerms, elbo } from './elbo';
export { type PretrainBatch, type PretrainTensors, pretrainLoss, pretrainStep } from './pretrainStep';
