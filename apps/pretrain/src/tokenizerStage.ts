import type { EngineOptions } from '@beit/cli';
import { createLoader, type ImageSource } from '@beit/data';
import { createDvae, type Dvae, type DvaeBatch, dvaeLoss, dvaeSchedules, uniformNoise } from '@beit/dvae';
import { adamW } from '@beit/optim';
import { createRandom } from '@beit/random';
import { type StageOptions, type StageResult, stageLoader, trainStage } from '@beit/stage';
import { type NamedTensors, scalar } from '@beit/tensors';
import type { PretrainRecipe } from './recipe';
import { trainingViews } from './views';

export interface PretrainStageOptions extends StageOptions {
  readonly engine: EngineOptions;
  /** Threads that load images. */
  readonly workers: number;
  readonly recipe: PretrainRecipe;
  readonly source: ImageSource;
}

/** Stage 1: learns visual tokens. `evaluate` measures the parameters so far on held-out images. */
export async function tokenizerStage(
  options: PretrainStageOptions,
  evaluate: (dvae: Dvae, params: NamedTensors) => Promise<Record<string, number>>,
): Promise<StageResult> {
  const { recipe, source, workers } = options;
  const { tokenizer, seed } = recipe;
  const dvae = createDvae(tokenizer.model);
  const { batchSize } = tokenizer;
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
  const { microBatchSize } = loader;
  const noiseShape = [
    microBatchSize,
    ...dvae.gridSize(recipe.views.tokenImageSize),
    tokenizer.model.vocabSize,
  ];

  try {
    return await trainStage(
      {
        name: 'tokenizer',
        loss: (params, batch: DvaeBatch) => dvaeLoss(dvae, params, batch),
        optimizer,
        params: dvae.init(createRandom(seed, 'tokenizer')),
        loader,
        batch: ({ tokenImages }, { number, step }) => ({
          batch: {
            images: tokenImages,
            uniform: uniformNoise(noiseShape, seed, number),
            temperature: scalar(schedules.temperature(step)),
            klWeight: scalar(schedules.klWeight(step)),
            usageWeight: scalar(tokenizer.usageWeight),
          },
          weight: microBatchSize,
        }),
        totalSteps,
        schedules,
        config: {
          data: recipe.data,
          views: recipe.views,
          tokenizer,
          seed,
          images: source.names.length,
        },
        evaluate: {
          every: Math.max(1, Math.ceil(totalSteps / 5)),
          run: ({ params }) => evaluate(dvae, params),
        },
      },
      options,
    );
  } finally {
    await loader.close();
  }
}
