export { type CodebookUsage, codebookUsage } from './codebookUsage';
export { createDvae, type Dvae } from './createDvae';
export {
  DALL_E,
  type DvaeConfig,
  downsampling,
  type ResolvedDvaeConfig,
  resolveDvaeConfig,
} from './dvaeConfig';
export { type DvaeBatch, type DvaeOutputs, dvaeLoss } from './dvaeLoss';
export { dvaeBatchSpecs, dvaeTrainStep } from './dvaeTrainStep';
export {
  gumbelNoise,
  gumbelSoftmax,
  klToUniform,
  logitLaplaceNll,
  type PixelDistribution,
  usageEntropy,
} from './likelihood';
export { multiplyAdds } from './multiplyAdds';
export { parameterShapes } from './parameterShapes';
export { LOGIT_LAPLACE_EPSILON, mapPixels, unmapPixels } from './pixelMap';
export { psnr } from './psnr';
export { DALL_E_SCHEDULES, type DvaeScheduleConfig, dvaeSchedules, scaleDvaeSchedules } from './schedules';
export { tokenizeImages } from './tokenizeImages';
export { uniformNoise } from './uniformNoise';
