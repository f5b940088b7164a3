import type { Runner } from './runProgram';

/** A test whose numbers may differ. */
export interface Exception {
  readonly file: string;
  readonly test: string;
  /** Default: all. */
  readonly runners?: readonly Runner[];
  /** What is wrong in TensorFlow.js, or why it can't be otherwise. */
  readonly reason: string;
}

/** Every exception that is made. One that is needed no longer is an error. */
export const EXCEPTIONS: readonly Exception[] = [];
