export {
  EXPERIMENT_COLUMN,
  type ExperimentOptions,
  environment,
  experimentOptions,
  experimentTable,
  type Findings,
  publishFindings,
  runExperiment,
} from './experiment';
export type { Job } from './job';
export { runJobs } from './runJobs';
export { aboveZero, type Pair, pair, type Spread, spread, withSd } from './spread';
