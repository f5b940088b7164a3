export {
  largestDifference,
  largestFileDifference,
  normOfDifference,
  normOfFileDifference,
} from './differences';
export { findLauncher, type Launcher, launchJson } from './launcher';
export { type Line, leastSquares, type Point } from './leastSquares';
export { describeMachine, type Machine, machineLine } from './machine';
export { type Cell, markdownTable } from './markdownTable';
export { peakBytes, restartPeak } from './peakBytes';
export { runJson, runNodeJson } from './runJson';
export { type Command, startCommand } from './startCommand';
export { median, quantile, type Spread, spreadOf } from './statistics';
export { type StepSize, stepFlops } from './stepFlops';
