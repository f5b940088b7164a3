import { dropPathKeeps } from '@beit/cli';
import { createLoader } from '@beit/data';
import { adamW, cosineSchedule } from '@beit/optim';
import { createRandom } from '@beit/random';
import { type StageResult, stageLoader, trainStage } from '@beit/stage';
import type { Branch, HostTensor, NamedTensors } from '@beit/tensors';
import type { MicroBatch } from '@beit/trainer';
import type { Objective } from './targets/objective';
import type { PretrainStageOptions } from './tokenizerStage';
import { trainingViews } from './views';

/** Stage 2: predicts what masked patches hide. `evaluate` measures the parameters so far on held-out images. */
export async function mimStage(
  options: PretrainStageOptions,
  objective: Objective,
  evaluate: (params: NamedTensors) => Promise<Record<string, number>>,
): Promise<StageResult> {
  const { recipe, source, workers } = options;
  const { seed, mim: settings } = recipe;
  const { vit, digest } = objective;
  const { batchSize, masking } = settings;
  const views = trainingViews(recipe);
  const loader = stageLoader({
    images: source.names.length,
    batchSize,
    microBatchSize: settings.microBatchSize,
    job: options.job,
    create: (sharing) => createLoader({ source, ...sharing, seed, views, masking, workers }),
  });
  const { microBatchSize } = loader;
  const totalSteps = Math.round(settings.epochs * loader.stepsPerEpoch);
  const learningRate = cosineSchedule({
    peak: settings.learningRate,
    final: settings.minLearningRate,
    totalSteps,
    warmupSteps: Math.round(settings.warmupEpochs * loader.stepsPerEpoch),
  });
  const optimizer = adamW({
    betas: settings.betas,
    weightDecay: settings.weightDecay,
    clipNorm: settings.clipNorm,
  });
  const targets = await objective.targets(microBatchSize, options.engine);

  try {
    return await trainStage(
      {
        name: 'pretraining',
        loss: objective.loss,
        optimizer,
        params: objective.init(createRandom(seed, 'model')),
        loader,
        async batch(loaded, { number }): Promise<MicroBatch<Branch<HostTensor>>> {
          const { images, masked } = loaded;
          const batch = {
            images,
            masked: { ...masked },
            ...(await targets.of(loaded)),
            ...dropPathKeeps(vit, microBatchSize, createRandom(seed, 'drop path', number)),
          };
          // The loss is a mean over masked patches, and micro-batches differ in how many they have.
          return { batch, weight: sum(masked.weights) };
        },
        totalSteps,
        schedules: { learningRate },
        config: {
          ...recipe,
          images: source.names.length,
          ...(digest !== undefined && { tokenizerDigest: digest }),
        },
        evaluate: {
          every: Math.max(1, Math.ceil(totalSteps / 8)),
          run: ({ params }) => evaluate(params),
        },
      },
      options,
    );
  } finally {
    await targets.dispose();
    await loader.close();
  }
}

const sum = ({ data }: HostTensor) => (data as Float32Array).reduce((a, b) => a + b, 0);
