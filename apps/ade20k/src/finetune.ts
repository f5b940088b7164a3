import {
  copied,
  dropPathKeeps,
  type EngineOptions,
  firstBatch,
  type HostTree,
  stageLoader,
  trainingProgram,
} from '@beit/apps-shared';
import { createCropLoader } from '@beit/data';
import { adamW, layerDecay, linearSchedule } from '@beit/optim';
import { createRandom } from '@beit/random';
import { type Job, type MicroBatch, type ProgressReporter, type TrainResult, train } from '@beit/trainer';
import type { NamedTensors } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import type { Dataset } from './dataset';
import type { Evaluated, Evaluation } from './evaluation';
import type { Model } from './model';
import type { SegmentRecipe } from './recipe';

export interface FinetuneOptions {
  readonly recipe: SegmentRecipe;
  readonly dataset: Dataset;
  readonly model: Model;
  /** What training begins with. */
  readonly params: NamedTensors;
  /** In the first process, which evaluates. */
  readonly evaluation: Evaluation | undefined;
  /** Where metrics and checkpoints are written; the same folder again continues. */
  readonly runDir: string;
  readonly engine: EngineOptions;
  readonly workers: number;
  readonly progress: ProgressReporter;
  readonly signal?: AbortSignal;
  /** The processes that train together; the first one evaluates. Default: this one. */
  readonly job?: Job;
  /** Whether each of them keeps a part of the optimizer's state. Default false. */
  readonly shardOptimizer?: boolean;
}

export interface FinetuneResult extends TrainResult {
  readonly params: NamedTensors;
  /** Of `params` on the validation images, by the first process; left out when the run was interrupted. */
  readonly evaluated?: Evaluated;
  readonly engine: string;
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[];
}

/** The objective as programs take it. */
export const segmentLoss =
  ({ segmenter }: Model, { average, classWeights }: Pick<SegmentRecipe, 'average' | 'classWeights'>) =>
  (
    params: Record<string, tf.Tensor>,
    { images, labels, dropPathKeeps }: Record<string, tf.Tensor>,
  ): { loss: tf.Scalar } & Record<string, tf.Tensor> =>
    segmenter.loss(params, images!, labels!, {
      average,
      classWeights: classWeights && tf.tensor1d(classWeights),
      dropPathKeeps,
    }) as never;

/** Trains a segmenter. Paper: BEiT, sections 2.6 and 3.2, table 14. Reference: mmsegmentation. */
export async function finetune(options: FinetuneOptions): Promise<FinetuneResult> {
  const { recipe, dataset, model, evaluation, runDir, engine, progress, signal, workers } = options;
  const { seed, batchSize, steps: totalSteps, views } = recipe;
  const { vit } = model;
  const { training: source, annotation } = dataset;
  const crops = { cropSize: vit.config.imageSize, ...views };
  const loader = stageLoader({
    images: source.images.names.length,
    batchSize,
    microBatchSize: recipe.microBatchSize,
    job: options.job,
    create: (sharing) => createCropLoader({ source, ...sharing, seed, crops, annotation, workers }),
  });
  const { microBatchSize } = loader;
  const learningRate = linearSchedule({
    peak: recipe.learningRate,
    totalSteps,
    warmupSteps: recipe.warmupSteps,
  });
  const optimizer = adamW({
    betas: recipe.betas,
    weightDecay: recipe.weightDecay,
    clipNorm: recipe.clipNorm,
    learningRateScale: layerDecay({ rate: recipe.layerDecay, depth: vit.config.depth }),
  });

  async function* microBatches(step: number): AsyncGenerator<MicroBatch<HostTree>> {
    for await (const [number, { images, labels }] of loader.microBatches(step)) {
      const batch: HostTree = {
        images,
        labels,
        ...dropPathKeeps(vit, microBatchSize, createRandom(seed, 'drop path', number)),
      };
      yield { batch, weight: microBatchSize };
    }
  }
  const program = await trainingProgram({
    loss: segmentLoss(model, recipe) as never,
    optimizer,
    params: options.params,
    example: await firstBatch(microBatches(0)),
    microBatches: loader.parts,
    job: options.job,
    shardOptimizer: options.shardOptimizer,
    engine,
  });
  progress.message(`segmentation: ${program.engine}, ${engine.precision}`);
  let last: { readonly step: number; readonly evaluated: Evaluated } | undefined;
  try {
    const result = await train({
      name: 'segmentation',
      program,
      batch: async (step) => ({
        microBatches: microBatches(step),
        scalars: optimizer.scalars(step, learningRate(step)),
      }),
      totalSteps,
      imagesPerStep: batchSize,
      stepsPerEpoch: loader.stepsPerEpoch,
      runDir,
      config: {
        stage: 'segmentation',
        ...recipe,
        precision: engine.precision,
        images: source.images.names.length,
        classes: dataset.classes.length,
      },
      schedules: { learningRate },
      checkpointEvery: Math.max(1, Math.ceil(totalSteps / 10)),
      evaluate: {
        every: recipe.evaluateEvery,
        async run(step, state) {
          const { params } = state as { params: NamedTensors };
          last = { step, evaluated: await evaluation!.evaluate(params) };
          const { mIoU, pixelAccuracy, meanAccuracy } = last.evaluated.metrics;
          return { mIoU, pixelAccuracy, meanAccuracy };
        },
        best: { metric: 'mIoU', mode: 'max' },
      },
      progress,
      signal,
      job: options.job,
      batchNames: (step) => loader.namesOf(step),
    });
    const params = copied(((await program.readState()) as { params: NamedTensors }).params);
    // A run that had come to its end before has not been evaluated by this process.
    const evaluated = async () =>
      last?.step === totalSteps ? last.evaluated : await evaluation?.evaluate(params);
    return {
      ...result,
      params,
      evaluated: result.interrupted ? undefined : await evaluated(),
      engine: program.engine,
      unreadable: [...loader.unreadable(), ...(evaluation?.unreadable() ?? [])],
    };
  } finally {
    await program.dispose();
    await loader.close();
  }
}
