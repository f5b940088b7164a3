export { type CodebookUsage, codebookUsage, psnr } from './codebookUsage';
export { createDvae, type Dvae, type TensorParams } from './createDvae';
export {
  DALL_E,
  type DvaeConfig,
  downsampling,
  type ResolvedDvaeConfig,
  resolveDvaeConfig,
} from './dvaeConfig';
export { type DvaeBatch, type DvaeOutputs, dvaeLoss } from './dvaeLoss';
export {
  gumbelNoise,
  gumbelSoftmax,
  klToUniform,
  logitLaplaceNll,
  logSoftmax,
  type PixelDistribution,
  usageEntropy,
} from './likelihood';
export { parameterShapes } from './parameterShapes';
export { LOGIT_LAPLACE_EPSILON, mapPixels, unmapPixels } from './pixelMap';
export { DALL_E_SCHEDULES, type DvaeScheduleConfig, dvaeSchedules } from './schedules';
export { uniformNoise } from './uniformNoise';
