export { functional } from './functional';
export type {
  Applied,
  ApplyOptions,
  FunctionalLayersModel,
  FunctionalModel,
  ModelInputs,
  TrainingBatch,
} from './functionalModel';
export { drawNoise, type InputShapes, type NoiseSpec } from './noise';
