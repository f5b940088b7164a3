export { type AdamWConfig, adamW } from './adamW';
export { clipByGlobalNorm, clipCoefficient, globalNorm } from './clipping';
export { updateEma } from './ema';
export { type LayerDecayConfig, layerDecay, layerId } from './layerDecay';
export type { Moments, Optimizer, OptimizerScalars } from './optimizer';
export { isRunningStatistic } from './runningStatistics';
export {
  type CosineScheduleConfig,
  cosineSchedule,
  type LinearScheduleConfig,
  linearSchedule,
  type Schedule,
} from './schedules';
export {
  asTreeLoss,
  type GradientState,
  gradientStep,
  type LossFunction,
  partialUpdateStep,
  type TrainState,
  type TreeLoss,
  trainState,
  trainStep,
  updateStep,
  withEma,
  zeroGradients,
} from './steps';
export { type TensorsOf, toTensors } from './toTensors';
export { type LossAndOutputs, type NamedTfTensors, valueAndGrads } from './valueAndGrads';
export { decaysInBeit } from './weightDecay';
