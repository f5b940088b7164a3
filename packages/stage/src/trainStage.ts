import type { CompileOptions } from '@beit/compile';
import { cloneTensors, type HostTensor, type NamedTensors, type TreeOf } from '@beit/tensors';
import {
  type Job,
  type MicroBatch,
  type ProgressReporter,
  type TrainOptions,
  type TrainResult,
  train,
} from '@beit/trainer';
import type { StageLoader } from './stageLoader';
import { firstBatch, type TrainingProgramOptions, trainingProgram } from './trainingProgram';

/** Where and how a stage runs. */
export interface StageOptions {
  /** Where metrics and checkpoints are written; the same folder again continues. */
  readonly runDir: string;
  /** What runs the programs. Default: the fastest engine that is here, in float32. */
  readonly engine?: CompileOptions;
  /** Steps between lines of the log. Default: the trainer's. */
  readonly logEvery?: number;
  readonly progress: ProgressReporter;
  readonly signal?: AbortSignal;
  /** The processes that train together; the first one evaluates. Default: this one. */
  readonly job?: Job;
  /** Whether each of them keeps a part of the optimizer's state. Default false. */
  readonly shardOptimizer?: boolean;
}

export interface Trained {
  readonly params: NamedTensors;
  /** Their moving average, with `emaDecay`. */
  readonly ema?: NamedTensors;
}

export interface StageResult extends TrainResult, Trained {
  readonly engine: string;
  /** Files that could not be read. */
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[];
}

/** What is trained, on what, and for how long. */
export interface Stage<B>
  extends Pick<TrainingProgramOptions<B>, 'loss' | 'optimizer' | 'params' | 'emaDecay'> {
  /** In messages and checkpoints: `tokenizer`. */
  readonly name: string;
  readonly loader: Omit<StageLoader<unknown>, 'microBatches' | 'microBatchSize'>;
  /** Of a step, those of this process; a pure function of it. */
  microBatches(step: number): AsyncGenerator<MicroBatch<TreeOf<B, HostTensor>>>;
  /** Images in a step, of all processes. */
  readonly batchSize: number;
  readonly totalSteps: number;
  /** Numbers by 0-based step. */
  readonly schedules: NonNullable<TrainOptions<unknown>['schedules']> & {
    readonly learningRate: (step: number) => number;
  };
  /** What a run that continues must have too, beside name and precision. */
  readonly config: object;
  readonly evaluate: Omit<NonNullable<TrainOptions<unknown>['evaluate']>, 'run'> & {
    /** Numbers on held-out images after so many steps. */
    run(trained: Trained, step: number): Promise<Readonly<Record<string, number>>>;
  };
}

/** Compiles and trains, or goes on training, with checkpoints every tenth of the steps. The loader stays open. */
export async function trainStage<B>(stage: Stage<B>, options: StageOptions): Promise<StageResult> {
  const { name, optimizer, loader, batchSize, totalSteps, schedules, evaluate } = stage;
  const { runDir, engine, logEvery, progress, signal, job } = options;
  const precision = engine?.precision ?? 'fp32';
  const program = await trainingProgram({
    loss: stage.loss,
    optimizer,
    params: stage.params,
    emaDecay: stage.emaDecay,
    example: await firstBatch(stage.microBatches(0)),
    microBatches: loader.parts,
    job,
    shardOptimizer: options.shardOptimizer,
    engine,
  });
  progress.message(`${name}: ${program.engine}, ${precision}`);
  try {
    const result = await train({
      name,
      program,
      batch: async (step) => ({
        microBatches: stage.microBatches(step),
        scalars: optimizer.scalars(step, schedules.learningRate(step)),
      }),
      totalSteps,
      imagesPerStep: batchSize,
      stepsPerEpoch: loader.stepsPerEpoch,
      runDir,
      config: { stage: name, ...stage.config, precision },
      schedules,
      logEvery,
      checkpointEvery: Math.max(1, Math.ceil(totalSteps / 10)),
      evaluate: { ...evaluate, run: (step, state) => evaluate.run(state as unknown as Trained, step) },
      progress,
      signal,
      job,
      batchNames: (step) => loader.namesOf(step),
    });
    const { params, ema } = (await program.readState()) as unknown as Trained;
    return {
      ...result,
      params: cloneTensors(params),
      ...(ema && { ema: cloneTensors(ema) }),
      engine: program.engine,
      unreadable: loader.unreadable(),
    };
  } finally {
    await program.dispose();
  }
}
