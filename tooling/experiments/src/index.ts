export {
  EXPERIMENT_COLUMN,
  type ExperimentOptions,
  environment,
  experimentOptions,
  experimentTable,
  type Findings,
  publishFindings,
  runExperiment,
  runRecorded,
} from './experiment';
export { type Job, resultsOf } from './job';
export { type Entry, type Ledger, nameOf } from './ledger';
export { runJobs } from './runJobs';
export { aboveZero, type Pair, pair, type Spread, spread, withSd } from './spread';
