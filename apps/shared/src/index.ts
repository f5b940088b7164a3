export { passProgress } from '@beit/progress';
export {
  ENGINE_ARGUMENTS,
  ENGINE_HELP,
  engineOptions,
  integer,
  microBatches,
  number,
  oneOf,
  ownArguments,
  parsed,
  runMain,
  typedIn,
  UsageError,
} from './commandLine';
export { dropPathKeeps } from './dropPathKeeps';
export { describeEngine, type EngineOptions } from './engineOptions';
export { countParameters, duration, gibibytes, millions, timeMicroBatch } from './estimate';
export {
  FINETUNE_ARGUMENTS,
  type FinetuneOptions,
  finetuneOptions,
  finetuneOverrides,
} from './finetuneOptions';
export { dataLocation, folderIndexes, shardsAt } from './imageData';
export { type LayerRate, layerRates, printLayerRates } from './layerRates';
export { printSummary } from './printSummary';
export { programVersion } from './programVersion';
export { runClock, writeRecipe } from './runClock';
export { outFolder, RUNS, runFolders } from './runFolder';
export { assertSameImages } from './sharedData';
export { loadPretrained, type PlainViews, type Pretrained } from './start/loadPretrained';
export { newestPretraining, pretrainedOf } from './start/pretrainedOf';
export { modelOf, type Start, shapesOf, startFrom } from './start/startFrom';
export { type RunResult, type TrainCommand, trainCommand } from './trainCommand';
export { unreadableOfAll } from './unreadableOfAll';
