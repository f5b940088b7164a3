/** What a reporter is told: after every step of a training, every batch of a pass, every piece of a download. */
export interface ProgressUpdate {
  /** The name of what is going on. */
  readonly name: string;
  /** Completed steps. */
  readonly step: number;
  /** Infinity where it is not known. */
  readonly totalSteps: number;
  /** Means since the last logged step, then the values of the schedules; in order of importance. */
  readonly metrics: Readonly<Record<string, number>>;
  readonly imagesPerSecond: number;
  /** What `imagesPerSecond` counts, where it is not images. */
  readonly unit?: string;
  readonly secondsLeft: number;
}

/** Shows how a run goes. */
export interface ProgressReporter {
  update(update: ProgressUpdate): void;
  /** Something to know that is no error: a checkpoint skipped, a run continued. */
  message(text: string): void;
  /** The run is over, one way or another. */
  stop(): void;
}

/** Shows nothing. */
export const silentProgress: ProgressReporter = { update() {}, message() {}, stop() {} };
