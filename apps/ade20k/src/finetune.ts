import { dropPathKeeps } from '@beit/cli';
import { createCropLoader } from '@beit/data';
import type { TensorParams } from '@beit/nn';
import { adamW, layerDecay, linearSchedule } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { SegmenterOutputs } from '@beit/segmentation';
import { type StageOptions, type StageResult, stageLoader, trainStage } from '@beit/stage';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import type { Dataset } from './dataset';
import type { Evaluated, Evaluation } from './evaluation';
import type { Model } from './model';
import type { SegmentRecipe } from './recipe';

export interface FinetuneOptions extends StageOptions {
  /** Threads that load images. */
  readonly workers: number;
  readonly recipe: SegmentRecipe;
  readonly dataset: Dataset;
  readonly model: Model;
  /** What training begins with. */
  readonly params: NamedTensors;
  /** In the first process, which evaluates. */
  readonly evaluation: Evaluation | undefined;
}

export interface FinetuneResult extends StageResult {
  /** How good `params` are on the validation images, by the first process; left out when the run was interrupted. */
  readonly evaluated?: Evaluated;
}

/** One batch of crops. */
export interface SegmentBatch {
  /** Normalized, `[batch, height, width, channels]`. */
  readonly images: tf.Tensor;
  /** `[batch, height, width]` int32, see `Segmenter`. */
  readonly labels: tf.Tensor;
  /** `[depth, 2, batch]`; left out when the model drops no paths. */
  readonly dropPathKeeps?: tf.Tensor;
}

/** The objective as programs take it. */
export const segmentLoss =
  ({ segmenter }: Model, { average, classWeights }: Pick<SegmentRecipe, 'average' | 'classWeights'>) =>
  (params: TensorParams, { images, labels, dropPathKeeps }: SegmentBatch): SegmenterOutputs =>
    segmenter.loss(params, images, labels, {
      average,
      classWeights: classWeights && tf.tensor1d(classWeights),
      dropPathKeeps,
    });

/** Trains a segmenter. Paper: BEiT, sections 2.6 and 3.2, table 14. Reference: mmsegmentation. */
export async function finetune(options: FinetuneOptions): Promise<FinetuneResult> {
  const { recipe, dataset, model, params, evaluation, workers } = options;
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

  let last: { readonly step: number; readonly evaluated: Evaluated } | undefined;
  try {
    const result = await trainStage(
      {
        name: 'segmentation',
        loss: segmentLoss(model, recipe),
        optimizer,
        params,
        loader,
        batch({ images, labels }, { number }) {
          const keeps = dropPathKeeps(vit, microBatchSize, createRandom(seed, 'drop path', number));
          return { batch: { images, labels, ...keeps }, weight: microBatchSize };
        },
        totalSteps,
        schedules: { learningRate },
        config: { ...recipe, images: source.images.names.length, classes: dataset.classes.length },
        evaluate: {
          every: recipe.evaluateEvery,
          async run({ params }, step) {
            last = { step, evaluated: await evaluation!.evaluate(params) };
            const { mIoU, pixelAccuracy, meanAccuracy } = last.evaluated.metrics;
            return { mIoU, pixelAccuracy, meanAccuracy };
          },
          best: { metric: 'mIoU', mode: 'max' },
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
      unreadable: [
        ...result.unreadable.map(({ name, reason }) => ({ name: `training/${name}`, reason })),
        ...(evaluation?.unreadable() ?? []),
      ],
    };
  } finally {
    await loader.close();
  }
}
