export {
  type AccumulatedInputs,
  type AccumulatedProgramOptions,
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
export type { Program, Tree<HostTensor> } from './program';
export { type ProgressReporter, type ProgressUpdate, silentProgress } from './progress';
export type { Shards } from './shardedUpdate';
export { BUCKET_BYTES } from './sharedMean';
export { type ScalarEvent, scalarRecord } from './tensorBoard';
export { flattenTree, unflattenTree } from './tensorTree';
export { type TerminalProgressOptions, type TerminalStream, terminalProgress } from './terminalProgress';
export { type TrainOptions, type TrainResult, train } from './train';
export type { MetricWindow } from './window';
