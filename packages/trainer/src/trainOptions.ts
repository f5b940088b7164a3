import type { ProgressReporter } from '@beit/progress';
import type { HostTensor, Tree } from '@beit/tensors';
import type { Best } from './checkpoint';
import type { Job } from './job';
import type { TrainingProgram } from './program';

export interface TrainOptions<I> {
  /** Name of the stage, in messages and checkpoints: `tokenizer`. */
  readonly name: string;
  readonly program: TrainingProgram<I>;
  /**
   * Inputs of a step, 0-based; a pure function of the step, which is what makes a resumed run bit-identical. Called for
   * step n + 1 before step n runs, so that loading overlaps: it must not write into the arrays of step n.
   */
  readonly batch: (step: number) => Promise<I>;
  readonly totalSteps: number;
  /** For images per second. */
  readonly imagesPerStep: number;
  /** For `epoch` in the log. */
  readonly stepsPerEpoch?: number;
  /** Where everything is written; the same folder and config again continue the run. */
  readonly runDir: string;
  /** The resolved recipe; saved in `config.json` and in checkpoints. */
  readonly config: object;
  /** Numbers known beforehand, by 0-based step, for log and progress: `{ learningRate }`. */
  readonly schedules?: Readonly<Record<string, (step: number) => number>>;
  /** Steps between lines of the log. Default 10. */
  readonly logEvery?: number;
  /** Steps between checkpoints. Default: only at the end, when interrupted, and as the minutes say. */
  readonly checkpointEvery?: number;
  /** After so many minutes without a checkpoint there is one, between steps. Default 10. */
  readonly checkpointMinutes?: number;
  /** How many of the newest checkpoints stay. Default 2. */
  readonly keepCheckpoints?: number;
  /**
   * Numbers on held-out data every so many steps, and after the last. `run` gets the completed steps and the program's
   * state; of several processes only the first one runs it.
   */
  readonly evaluate?: {
    readonly every: number;
    run(step: number, state: Tree<HostTensor>): Promise<Readonly<Record<string, number>>>;
    /** The checkpoint where this metric was best is saved and kept beside the newest. */
    readonly best?: { readonly metric: string; readonly mode: 'min' | 'max' };
  };
  readonly progress: ProgressReporter;
  /**
   * The processes that train together, each with a program and batches of its own (`accumulatedProgram`). The first one
   * writes, evaluates and reports; `runDir` must be one folder for all. Default: this process alone.
   */
  readonly job?: Job;
  /** Aborted, in any of the processes: the step is finished, a checkpoint saved, and `train` returns. See `interruptSignal`. */
  readonly signal?: AbortSignal;
  /** Called with all outputs of every step, the 0-based step first; for what is not a scalar. */
  readonly onOutputs?: (step: number, outputs: Tree<HostTensor>) => void;
  /** What a step's batch is made of, asked for only when that step fails. */
  readonly batchNames?: (step: number) => readonly string[];
  /** Versions to record in checkpoints. */
  readonly versions?: Readonly<Record<string, string>>;
}

export interface TrainResult {
  /** Completed steps, those of earlier runs included. */
  readonly step: number;
  /** Whether `signal` stopped the run before its end. */
  readonly interrupted: boolean;
  /** The newest checkpoint; null when no step was made. */
  readonly checkpoint: string | null;
  /** Where `evaluate.best` was best so far: completed steps, value, and the checkpoint. */
  readonly best?: Best & { readonly checkpoint: string };
}
