export {
  type ProgressReporter,
  type ProgressUpdate,
  silentProgress,
  type TerminalProgressOptions,
  type TerminalStream,
  terminalProgress,
} from '@beit/progress';
export {
  type AccumulatedInputs,
  type AccumulatedProgramOptions,
  type AccumulatingPrograms,
  accumulatedProgram,
  type MicroBatch,
} from './accumulatedProgram';
export {
  type Best,
  type Checkpoint,
  checkpointPath,
  checkpointSteps,
  latestCheckpoint,
  loadCheckpoint,
  saveCheckpoint,
} from './checkpoint';
export { configDifferences, type Json } from './config';
export { type InterruptSignal, interruptSignal, type SignalSource } from './interruptSignal';
export { isFirst, type Job } from './job';
export { type MetricsRecord, readMetrics } from './metricsLog';
export { NonFiniteError, type PostMortem } from './nonFinite';
export { partition, shardOf } from './partition';
export type { TrainingProgram } from './program';
export type { ShardedPrograms, Shards } from './shardedUpdate';
export { BUCKET_BYTES } from './sharedMean';
export { type ScalarEvent, scalarRecord } from './tensorBoard';
export { train } from './train';
export type { TrainOptions, TrainResult } from './trainOptions';
export type { GroupedState, WholePrograms } from './wholeUpdate';
export type { MetricWindow } from './window';
