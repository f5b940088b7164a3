export { passProgress } from '@beit/progress';
export { assertNoInput } from './assertNoInput';
export { runMain, typedIn, UsageError } from './commandLine';
export { duration, gibibytes, memoryLines, millions, type TimedProgram, timeMicroBatch } from './estimate';
export { dataLocation, folderIndexes, folderNotes, locationOf, shardsAt } from './imageData';
export { type ImageFile, imageFiles, namedImages } from './imageFiles';
export { microBatches } from './microBatches';
export { isOnHub, localModel, modelLocation } from './onHub';
export { describeEngine, ENGINE_OPTIONS, type EngineOptions, engineOptions } from './options/engineOptions';
export {
  FINETUNE_OPTIONS,
  type FinetuneOptions,
  finetuneOptions,
  finetuneOverrides,
  OVERRIDE_OPTIONS,
  START_OPTIONS,
} from './options/finetuneOptions';
export {
  absolutePath,
  imageSize,
  number,
  oneCalled,
  oneOf,
  path,
  type Reader,
  text,
  whole,
} from './options/optionReaders';
export {
  flag,
  type OptionTexts,
  type OptionValues,
  option,
  optionHelp,
  ownArguments,
  parseOptionTable,
  readTexts,
  repeatable,
} from './options/optionTable';
export { readCommand } from './options/readCommand';
export { JOB_OPTIONS, outOptions } from './options/trainOptions';
export { readText } from './readText';
export { overlay, readRecipe } from './recipeFile';
export { assertAsBegun } from './run/assertAsBegun';
export { openRun } from './run/openRun';
export { assertNoRun } from './run/ownFiles';
export { printSummary } from './run/printSummary';
export { programVersion } from './run/programVersion';
export { resolveRun } from './run/resolveRun';
export { RUNS, runFolders } from './run/runFolder';
export { type RunResult, type TrainCommand, trainCommand } from './run/trainCommand';
export { unreadableOfAll } from './run/unreadableOfAll';
export { makeWhole } from './run/wholeFolder';
export { writeJson, writeWhole } from './run/writeWhole';
export { dropPathKeeps } from './start/dropPathKeeps';
export { foldSpaces } from './start/foldSpaces';
export { framingAt } from './start/framingAt';
export { type LayerRate, layerRates, printLayerRates } from './start/layerRates';
export { type LoadPretrainedOptions, loadPretrained, type Pretrained } from './start/loadPretrained';
export { normalizationFor } from './start/normalizationFor';
export {
  assertSameStart,
  newestPretraining,
  pretrainedOf,
  type StartedFrom,
  startedFromOf,
  startOf,
} from './start/pretrainedOf';
export { modelOf, type Start, shapesOf, startFrom } from './start/startFrom';
export { tensorsDigest } from './start/tensorsDigest';
