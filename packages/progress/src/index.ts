export { endWithReader } from './endWithReader';
export { passProgress } from './passProgress';
export { type ProgressReporter, type ProgressUpdate, silentProgress } from './progress';
export { type TerminalProgressOptions, type TerminalStream, terminalProgress } from './terminalProgress';
