import {
  copied,
  dropPathKeeps,
  type EngineOptions,
  firstBatch,
  type HostTree,
  stageLoader,
  trainingProgram,
} from '@beit/apps-shared';
import { drawMix, finetuneLoss, softTargets } from '@beit/classification';
import { createLoader } from '@beit/data';
import { adamW, cosineSchedule, layerDecay } from '@beit/optim';
import { createRandom } from '@beit/random';
import {
  isFirst,
  type Job,
  type MicroBatch,
  type ProgressReporter,
  type TrainResult,
  train,
} from '@beit/trainer';
import type { NamedTensors } from '@beit/weights';
import type * as tf from '@tensorflow/tfjs';
import type { Dataset } from './dataset';
import { type Evaluated, openEvaluation } from './evaluation';
import type { Model } from './model';
import type { FinetuneRecipe } from './recipe';
import { plainView, trainingView } from './views';

export interface FinetuneOptions {
  readonly recipe: FinetuneRecipe;
  readonly dataset: Dataset;
  readonly model: Model;
  /** What training begins with. */
  readonly params: NamedTensors;
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
  /** Their moving average, where the recipe has one. */
  readonly ema?: NamedTensors;
  /** Of `params` on the validation images, by the first process; left out when the run was interrupted. */
  readonly evaluated?: Evaluated;
  readonly engine: string;
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[];
}

/** Trains a classifier. Paper: BEiT, section 2.6 and table 13. Reference: microsoft/unilm beit/run_class_finetuning.py. */
export async function finetune(options: FinetuneOptions): Promise<FinetuneResult> {
  const { recipe, dataset, runDir, engine, progress, signal } = options;
  const { vit, classifier } = options.model;
  const { seed, batchSize, mix } = recipe;
  const { source, labels } = dataset.train;
  const { repeats } = recipe;
  const { workers } = options;
  const views = trainingView(recipe);
  const loader = stageLoader({
    images: source.names.length,
    batchSize,
    microBatchSize: recipe.microBatchSize,
    job: options.job,
    create: (sharing) => createLoader({ source, ...sharing, seed, views, repeats, workers }),
  });
  const { microBatchSize } = loader;
  const totalSteps = Math.max(1, Math.round(recipe.epochs * loader.stepsPerEpoch));
  const learningRate = cosineSchedule({
    peak: recipe.learningRate,
    final: recipe.minLearningRate,
    totalSteps,
    warmupSteps: Math.round(recipe.warmupEpochs * loader.stepsPerEpoch),
  });
  const optimizer = adamW({
    betas: recipe.betas,
    weightDecay: recipe.weightDecay,
    clipNorm: recipe.clipNorm,
    learningRateScale: layerDecay({ rate: recipe.layerDecay, depth: vit.config.depth }),
  });

  async function* microBatches(step: number): AsyncGenerator<MicroBatch<HostTree>> {
    for await (const [number, { images, indices }] of loader.microBatches(step)) {
      const mixed = mix && drawMix(createRandom(seed, 'mix', number), vit.config.imageSize, mix);
      const batch: HostTree = {
        images,
        targets: softTargets(
          indices.map((index) => labels[index]!),
          { numClasses: classifier.numClasses, labelSmoothing: recipe.labelSmoothing, mix: mixed },
        ),
        ...(mixed && { mixWeights: mixed.weights }),
        ...dropPathKeeps(vit, microBatchSize, createRandom(seed, 'drop path', number)),
      };
      yield { batch, weight: microBatchSize };
    }
  }
  const loss = (params: Parameters<ReturnType<typeof finetuneLoss>>[0], batch: unknown) => {
    const { loss, accuracy } = finetuneLoss(classifier)(params, batch as never);
    // Of mixed images there is no one right answer.
    return (mix ? { loss } : { loss, top1: accuracy }) as { loss: tf.Scalar } & Record<string, tf.Tensor>;
  };

  const program = await trainingProgram({
    loss,
    optimizer,
    params: options.params,
    example: await firstBatch(microBatches(0)),
    microBatches: loader.parts,
    emaDecay: recipe.emaDecay,
    job: options.job,
    shardOptimizer: options.shardOptimizer,
    engine,
  });
  progress.message(`fine-tuning: ${program.engine}, ${engine.precision}`);
  // The first process evaluates; the others need no program for it.
  const evaluation = isFirst(options.job)
    ? await openEvaluation({
        classifier,
        params: options.params,
        images: dataset.validation,
        view: plainView(recipe),
        engine,
        workers: 0,
      })
    : undefined;
  type State = { params: NamedTensors; ema?: NamedTensors };
  let last: { readonly step: number; readonly evaluated: Evaluated } | undefined;
  try {
    const result = await train({
      name: 'fine-tuning',
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
        stage: 'fine-tuning',
        ...recipe,
        precision: engine.precision,
        images: new Set(source.names).size,
      },
      schedules: { learningRate },
      checkpointEvery: Math.max(1, Math.ceil(totalSteps / 10)),
      evaluate: {
        every: loader.stepsPerEpoch,
        async run(step, state) {
          const { params, ema } = state as State;
          const evaluated = await evaluation!.evaluate(params);
          last = { step, evaluated };
          const { metrics, loss } = evaluated;
          const { top1, top5, meanClassAccuracy } = metrics;
          const averaged = ema && { emaTop1: (await evaluation!.evaluate(ema)).metrics.top1 };
          return { loss, top1, top5, meanClassAccuracy, ...averaged };
        },
        best: { metric: 'top1', mode: 'max' },
      },
      progress,
      signal,
      job: options.job,
      batchNames: (step) => loader.namesOf(step),
    });
    const { params, ema } = (await program.readState()) as State;
    // A run that had come to its end before has not been evaluated by this process.
    const evaluated = async () =>
      last?.step === totalSteps ? last.evaluated : await evaluation?.evaluate(params);
    return {
      ...result,
      params: copied(params),
      ema: ema && copied(ema),
      evaluated: result.interrupted ? undefined : await evaluated(),
      engine: program.engine,
      unreadable: [...loader.unreadable(), ...(evaluation?.unreadable() ?? [])],
    };
  } finally {
    await program.dispose();
    await evaluation?.dispose();
    await loader.close();
  }
}
