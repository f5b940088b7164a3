import { drawMix, type FinetuneBatch, finetuneLoss } from '@beit/classification';
import { dropPathKeeps, type EngineOptions } from '@beit/cli';
import { createLoader } from '@beit/data';
import type { TensorParams } from '@beit/nn';
import { adamW, cosineSchedule, layerDecay } from '@beit/optim';
import { createRandom } from '@beit/random';
import { type StageOptions, type StageResult, stageLoader, trainStage } from '@beit/stage';
import type { NamedTensors } from '@beit/tensors';
import { isFirst } from '@beit/trainer';
import type { Dataset } from './dataset';
import { type Evaluated, openEvaluation } from './evaluation';
import { chosenLabels, targetsOf } from './labels';
import type { Model } from './model';
import type { FinetuneRecipe } from './recipe';
import { mainMetric, scoresOf } from './scores';
import { plainView, preprocessingOf, trainingView } from './views';

export interface FinetuneOptions extends StageOptions {
  readonly engine: EngineOptions;
  /** Threads that load images. */
  readonly workers: number;
  readonly recipe: FinetuneRecipe;
  readonly dataset: Dataset;
  readonly model: Model;
  /** What training begins with. */
  readonly params: NamedTensors;
}

export interface FinetuneResult extends StageResult {
  /** How good `params` are on the validation images, by the first process; left out when the run was interrupted. */
  readonly evaluated?: Evaluated;
}

/** Trains a classifier. Paper: BEiT, section 2.6 and table 13. Reference: microsoft/unilm beit/run_class_finetuning.py. */
export async function finetune(options: FinetuneOptions): Promise<FinetuneResult> {
  const { recipe, dataset, params, engine, workers } = options;
  const { vit, classifier } = options.model;
  const { seed, batchSize, mix } = recipe;
  const { source, labels } = dataset.train;
  const { repeats } = recipe;
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

  const loss = (params: TensorParams, batch: FinetuneBatch) => {
    const { loss, accuracy } = finetuneLoss(classifier)(params, batch);
    // Mixed images have no one right class; of several labels most are rightly absent from the first step on.
    return mix || dataset.multiLabel ? { loss } : { loss, top1: accuracy };
  };

  const main = mainMetric(dataset);
  // The first process evaluates; the others need no program for it.
  const evaluation = isFirst(options.job)
    ? await openEvaluation({
        classifier,
        params,
        images: dataset.validation,
        view: plainView(recipe.model, preprocessingOf(recipe)),
        engine,
        workers: 0,
      })
    : undefined;
  let last: { readonly step: number; readonly evaluated: Evaluated } | undefined;
  try {
    const result = await trainStage(
      {
        name: 'fine-tuning',
        loss,
        optimizer,
        params,
        emaDecay: recipe.emaDecay,
        loader,
        batch({ images, indices }, { number }) {
          const mixed = mix && drawMix(createRandom(seed, 'mix', number), vit.config.imageSize, mix);
          const batch = {
            images,
            targets: targetsOf(chosenLabels(labels, indices), {
              numClasses: classifier.numClasses,
              labelSmoothing: recipe.labelSmoothing,
              mix: mixed,
            }),
            ...(mixed && { mixWeights: mixed.weights }),
            ...dropPathKeeps(vit, microBatchSize, createRandom(seed, 'drop path', number)),
          };
          return { batch, weight: microBatchSize };
        },
        totalSteps,
        schedules: { learningRate },
        config: { ...recipe, images: new Set(source.names).size },
        evaluate: {
          every: loader.stepsPerEpoch,
          async run({ params, ema }, step) {
            last = { step, evaluated: await evaluation!.evaluate(params) };
            const averaged = ema && scoresOf(await evaluation!.evaluate(ema))[main.name];
            return { ...scoresOf(last.evaluated), ...(averaged !== undefined && { [main.ema]: averaged }) };
          },
          best: { metric: main.name, mode: 'max' },
        },
      },
      options,
    );
    // A run that had come to its end before has not been evaluated by this process.
    const evaluated = async () =>
      last?.step === totalSteps ? last.evaluated : await evaluation?.evaluate(result.params);
    return {
      ...result,
      evaluated: result.interrupted ? undefined : await evaluated(),
      unreadable: [...result.unreadable, ...(evaluation?.unreadable() ?? [])],
    };
  } finally {
    await evaluation?.dispose();
    await loader.close();
  }
}
