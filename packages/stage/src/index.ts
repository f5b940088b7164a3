export { type StageLoader, shareOf, stageLoader, stepsPerEpochOf } from './stageLoader';
export {
  type EngineProgram,
  firstBatch,
  type TrainingInputs,
  type TrainingProgramOptions,
  trainingProgram,
} from './trainingProgram';
export { type Stage, type StageOptions, type StageResult, type Trained, trainStage } from './trainStage';
