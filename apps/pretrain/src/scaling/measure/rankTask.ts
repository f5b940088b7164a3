import type { EngineOptions } from '@beit/cli';
import type { PretrainRecipe } from '../../recipe';
import type { StepTimes } from './stopwatch';

/** What a process of `rank.ts` is told, as JSON. */
export interface RankTask {
  readonly recipe: PretrainRecipe;
  /** A folder of images; without one, noise of the recipe's size that is in memory already. */
  readonly data?: string;
  readonly engine: EngineOptions;
  readonly workers: number;
  /** Where the stage may write. */
  readonly runDir: string;
  /** Steps before those that count: memory is touched for the first time. */
  readonly warmUp: number;
  readonly steps: number;
  /** Ranks of a job that is only pretended; left out: the job that a launcher started. */
  readonly pretend?: number;
}

/** What it measured. */
export interface RankResult {
  readonly steps: readonly StepTimes[];
  /** Most memory that the process held. */
  readonly peakBytes: number;
  /** As it calls itself. */
  readonly engine: string;
}
