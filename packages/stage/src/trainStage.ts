import type { CompileOptions } from '@beit/compile';
import type { SampleLoader } from '@beit/data';
import { cloneTensors, type HostTensor, type NamedTensors, type Tree, type TreeOf } from '@beit/tensors';
import {
  type Job,
  type MicroBatch,
  type ProgressReporter,
  type TrainOptions,
  type TrainResult,
  terminalProgress,
  train,
} from '@beit/trainer';
import { inWholeBatches, type StageLoader } from './stageLoader';
import { firstBatch, type TrainingProgramOptions, trainingProgram } from './trainingProgram';

/** Where and how a stage runs. */
export interface StageOptions {
  /** Where metrics and checkpoints are written; the same folder again continues. */
  readonly runDir: string;
  /** What runs the programs. Default: the fastest engine that is here, in float32. */
  readonly engine?: CompileOptions;
  /** Steps between lines of the log. Default: the trainer's. */
  readonly logEvery?: number;
  /** Minutes between checkpoints, at most. Default: the trainer's. */
  readonly checkpointMinutes?: number;
  /** Default: a line on the terminal. */
  readonly progress?: ProgressReporter;
  readonly signal?: AbortSignal;
  /** Is told what runs the programs, when they are ready. */
  readonly onCompiled?: (engine: string) => void;
  /** Is told of each step that has been made, 0-based, before anything is saved of it. */
  readonly onStep?: (step: number) => void;
  /** The processes that train together; the first one evaluates. Default: this one. */
  readonly job?: Job;
  /** Whether each of them, and each of its devices, keeps a part of the optimizer's state. Default false. */
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

/** What is trained, on what, and for how long. `L`: what the loader loads, `B`: what the loss takes. */
export interface Stage<L extends object, B>
  extends Pick<TrainingProgramOptions<B>, 'loss' | 'optimizer' | 'params' | 'emaDecay'> {
  /** In messages and checkpoints: `tokenizer`. */
  readonly name: string;
  /** Images: a loader of `@beit/data`, or one whose batches are shared (`stageLoader`). It stays open. */
  readonly loader: StageLoader<L> | SampleLoader<L>;
  /**
   * What the loss takes of a micro-batch that was loaded; a pure function of it.
   *
   * @param place its number among those of all processes and steps, from which anything random in it is to be drawn, and
   * its 0-based step
   */
  batch(
    loaded: L,
    place: { readonly number: number; readonly step: number },
  ): Weighted<B> | Promise<Weighted<B>>;
  readonly totalSteps: number;
  /** Numbers by 0-based step. */
  readonly schedules: NonNullable<TrainOptions<unknown>['schedules']> & {
    readonly learningRate: (step: number) => number;
  };
  /** What a run that continues must have too, beside name and precision. */
  readonly config?: object;
  readonly evaluate?: Omit<NonNullable<TrainOptions<unknown>['evaluate']>, 'run'> & {
    /** Numbers on held-out images after so many steps. */
    run(trained: Trained, step: number): Promise<Readonly<Record<string, number>>>;
  };
}

/** A micro-batch, and how much it counts: what its loss is a mean over (images, masked patches). */
type Weighted<B> = MicroBatch<TreeOf<B, HostTensor>>;

/**
 * Compiles and trains, or goes on training, with checkpoints after each tenth of the steps and at least every few minutes.
 *
 * @throws what `trainingProgram` and `train` throw
 */
export async function trainStage<L extends object, B>(
  stage: Stage<L, B>,
  options: StageOptions,
): Promise<StageResult> {
  const { name, optimizer, totalSteps, schedules, evaluate } = stage;
  const { runDir, engine, logEvery, checkpointMinutes, progress = terminalProgress(), signal, job } = options;
  const loader = 'microBatches' in stage.loader ? stage.loader : inWholeBatches(stage.loader);
  const precision = engine?.precision ?? 'fp32';
  async function* microBatches(step: number) {
    for await (const [number, loaded] of loader.microBatches(step))
      yield await stage.batch(loaded, { number, step });
  }
  const program = await trainingProgram({
    loss: stage.loss,
    optimizer,
    params: stage.params,
    emaDecay: stage.emaDecay,
    example: await firstBatch(microBatches(0)),
    microBatches: loader.parts,
    job,
    shardOptimizer: options.shardOptimizer,
    engine,
  });
  options.onCompiled?.(program.engine);
  progress.message(`${name}: ${program.engine}, ${precision}`);
  try {
    const result = await train({
      name,
      program,
      batch: async (step) => ({
        microBatches: microBatches(step),
        scalars: optimizer.scalars(step, schedules.learningRate(step)),
      }),
      totalSteps,
      imagesPerStep: loader.batchSize,
      stepsPerEpoch: loader.stepsPerEpoch,
      runDir,
      config: { stage: name, ...stage.config, precision },
      schedules,
      logEvery,
      checkpointEvery: Math.max(1, Math.ceil(totalSteps / 10)),
      checkpointMinutes,
      ...(evaluate && {
        evaluate: { ...evaluate, run: (step, state) => evaluate.run(trainedOf(state), step) },
      }),
      progress,
      signal,
      job,
      batchNames: (step) => loader.namesOf(step),
      onOutputs: (step) => options.onStep?.(step),
    });
    const { params, ema } = trainedOf(await program.readState());
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

/** The state of a training program. */
const trainedOf = (state: Tree<HostTensor>) => state as unknown as Trained;
