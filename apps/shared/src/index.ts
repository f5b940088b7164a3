export { runMain, typedIn, UsageError } from './commandLine';
export { dropPathKeeps } from './dropPathKeeps';
export { describeEngine, ENGINE_OPTIONS, type EngineOptions, engineOptions } from './engineOptions';
export { countParameters, duration, gibibytes, millions, timeMicroBatch } from './estimate';
export {
  FINETUNE_OPTIONS,
  type FinetuneOptions,
  finetuneOptions,
  finetuneOverrides,
  OVERRIDE_OPTIONS,
  START_OPTIONS,
} from './finetuneOptions';
export { dataLocation, folderIndexes, shardsAt } from './imageData';
export { type LayerRate, layerRates, printLayerRates } from './layerRates';
export { microBatches } from './microBatches';
export { openRun } from './openRun';
export { number, oneOf, path, type Reader, text, whole } from './optionReaders';
export {
  flag,
  type OptionValues,
  option,
  optionHelp,
  ownArguments,
  parseOptionTable,
  repeatable,
} from './optionTable';
export { passProgress } from './passProgress';
export { printSummary } from './printSummary';
export { programVersion } from './programVersion';
export { outFolder, RUNS, runFolders } from './runFolder';
export { loadPretrained, type Pretrained } from './start/loadPretrained';
export { newestPretraining, pretrainedOf } from './start/pretrainedOf';
export { modelOf, type Start, shapesOf, startFrom } from './start/startFrom';
export { type RunResult, type TrainCommand, trainCommand } from './trainCommand';
export { JOB_OPTIONS, outOptions } from './trainOptions';
export { unreadableOfAll } from './unreadableOfAll';
