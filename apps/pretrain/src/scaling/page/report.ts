import type { Machine } from '@beit/measurements';
import type { MeasuredJob } from '../measure/measureAll';
import type { MeasuredNetwork } from '../measure/measureNetwork';
import type { Memory } from '../model/memory';
import type { PaperPlan } from '../model/paper';
import type { Prediction, Task } from '../model/plan';
import type { Network } from '../model/predict';

/** What is predicted of a number of ranks, and what was measured of it. */
export interface Row {
  readonly prediction: Prediction;
  readonly network?: Network;
  /** Bytes of one rank, counted. */
  readonly memory: Memory;
  /** Most bytes of a process that did a rank's work alone. */
  readonly workBytes?: number;
  readonly measured?: MeasuredJob & {
    /** Seconds, median. */
    readonly step: number;
    /** Predicted over measured seconds, less 1. */
    readonly error: number;
  };
}

/** All that a run of `pnpm scaling` found. */
export interface ScalingReport {
  readonly command: string;
  readonly machine: Machine;
  readonly recipe: string;
  /** As it calls itself; where a rate was given, none. */
  readonly engine?: string;
  readonly task: Task;
  /** Images of an epoch. */
  readonly images: number;
  readonly parameters: number;
  /** Floating point operations an image. */
  readonly trainFlops: number;
  readonly tokenizeFlops: number;
  /** That were assumed of a rank. */
  readonly imagesPerSecond?: number;
  readonly rows: readonly Row[];
  readonly networks: readonly MeasuredNetwork[];
  readonly paper?: PaperPlan;
}
