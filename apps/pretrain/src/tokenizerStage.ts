import { copied, type EngineOptions, firstBatch, stageLoader, trainingProgram } from '@beit/apps-shared';
import { createLoader, type ImageSource } from '@beit/data';
import { createDvae, type Dvae, type DvaeBatch, dvaeLoss, dvaeSchedules, uniformNoise } from '@beit/dvae';
import { adamW } from '@beit/optim';
import { createRandom } from '@beit/random';
import { type Job, type ProgressReporter, type TrainResult, train } from '@beit/trainer';
import { type NamedTensors, scalar } from '@beit/weights';
import type { PretrainRecipe } from './recipe';
import { trainingViews } from './views';

export interface StageOptions {
  readonly recipe: PretrainRecipe;
  readonly source: ImageSource;
  /** Folder of this stage. */
  readonly runDir: string;
  readonly engine: EngineOptions;
  readonly workers: number;
  /** Steps between lines of the log. Default: the trainer's. */
  readonly logEvery?: number;
  readonly progress: ProgressReporter;
  readonly signal?: AbortSignal;
  /** The processes that train together. Default: this one. */
  readonly job?: Job;
  /** Whether each of them keeps a part of the optimizer's state. Default false. */
  readonly shardOptimizer?: boolean;
}

export interface StageResult extends TrainResult {
  readonly params: NamedTensors;
  readonly engine: string;
  /** Files that could not be read. */
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[];
}

/** Stage 1: learns visual tokens. `evaluate` measures the parameters so far on held-out images. */
export async function tokenizerStage(
  options: StageOptions,
  evaluate: (dvae: Dvae, params: NamedTensors) => Promise<Record<string, number>>,
): Promise<StageResult> {
  const { recipe, source, runDir, progress, signal } = options;
  const { tokenizer, seed } = recipe;
  const dvae = createDvae(tokenizer.model);
  const { batchSize } = tokenizer;
  const { workers } = options;
  const views = trainingViews(recipe);
  const loader = stageLoader({
    images: source.names.length,
    batchSize,
    microBatchSize: tokenizer.microBatchSize,
    job: options.job,
    create: (sharing) => createLoader({ source, ...sharing, seed, views, workers }),
  });
  const totalSteps = Math.round(tokenizer.epochs * loader.stepsPerEpoch);
  const schedules = dvaeSchedules({
    totalSteps,
    klWeight: tokenizer.klWeight,
    klWarmupSteps: Math.round(tokenizer.klWarmup * totalSteps),
    finalTemperature: tokenizer.finalTemperature,
    temperatureSteps: Math.round(tokenizer.temperatureDecay * totalSteps),
    learningRate: tokenizer.learningRate,
    learningRateSteps: Math.max(1, Math.round(tokenizer.learningRateDecay * totalSteps)),
    warmupSteps: Math.min(tokenizer.warmupSteps, Math.floor(totalSteps / 4)),
  });
  const optimizer = adamW({
    betas: tokenizer.betas,
    weightDecay: tokenizer.weightDecay,
    clipNorm: tokenizer.clipNorm,
    decays: (_name, shape) => shape.length > 1,
  });
  const side = recipe.views.tokenImageSize / dvae.downsampling;
  const { microBatchSize } = loader;
  const noiseShape = [microBatchSize, side, side, tokenizer.model.vocabSize];

  async function* microBatches(step: number) {
    const constants = {
      temperature: scalar(schedules.temperature(step)),
      klWeight: scalar(schedules.klWeight(step)),
      usageWeight: scalar(tokenizer.usageWeight),
    };
    for await (const [number, { tokenImages }] of loader.microBatches(step)) {
      const uniform = uniformNoise(noiseShape, seed, number);
      yield { batch: { images: tokenImages, uniform, ...constants }, weight: microBatchSize };
    }
  }
  const batch = async (step: number) => ({
    microBatches: microBatches(step),
    scalars: optimizer.scalars(step, schedules.learningRate(step)),
  });

  try {
    const program = await trainingProgram({
      loss: (params, b) => ({ ...dvaeLoss(dvae, params, b as unknown as DvaeBatch) }),
      optimizer,
      params: dvae.init(createRandom(seed, 'tokenizer')),
      example: await firstBatch(microBatches(0)),
      microBatches: loader.parts,
      job: options.job,
      shardOptimizer: options.shardOptimizer,
      engine: options.engine,
    });
    progress.message(`tokenizer: ${program.engine}, ${options.engine.precision}`);
    const result = await train({
      name: 'tokenizer',
      program,
      batch,
      totalSteps,
      imagesPerStep: batchSize,
      stepsPerEpoch: loader.stepsPerEpoch,
      runDir,
      config: {
        stage: 'tokenizer',
        data: recipe.data,
        views: recipe.views,
        tokenizer,
        seed,
        precision: options.engine.precision,
        images: source.names.length,
      },
      schedules,
      logEvery: options.logEvery,
      checkpointEvery: Math.max(5, Math.ceil(totalSteps / 10)),
      evaluate: {
        every: Math.max(1, Math.ceil(totalSteps / 5)),
        run: async (_step, state) => evaluate(dvae, (state as { params: NamedTensors }).params),
      },
      progress,
      signal,
      job: options.job,
      batchNames: (step) => loader.namesOf(step),
    });
    const { params } = (await program.readState()) as { params: NamedTensors };
    const trained = copied(params);
    await program.dispose();
    return { ...result, params: trained, engine: program.engine, unreadable: loader.unreadable() };
  } finally {
    await loader.close();
  }
}
