import {
  copied,
  dropPathKeeps,
  firstBatch,
  type HostTree,
  stageLoader,
  trainingProgram,
} from '@beit/apps-shared';
import { createLoader } from '@beit/data';
import { adamW, cosineSchedule } from '@beit/optim';
import { createRandom } from '@beit/random';
import { type MicroBatch, train } from '@beit/trainer';
import type { HostTensor, NamedTensors } from '@beit/weights';
import type { Objective } from './targets/objective';
import type { StageOptions, StageResult } from './tokenizerStage';
import { trainingViews } from './views';

/** Stage 2: predicts what masked patches hide. `evaluate` measures the parameters so far on held-out images. */
export async function mimStage(
  options: StageOptions,
  objective: Objective,
  evaluate: (params: NamedTensors) => Promise<Record<string, number>>,
): Promise<StageResult> {
  const { recipe, source, runDir, progress, signal } = options;
  const { seed, mim: settings } = recipe;
  const { vit } = objective;
  const { batchSize } = settings;
  const { masking } = settings;
  const { workers } = options;
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
  const answers = await objective.answers(microBatchSize, options.engine);

  async function* microBatches(step: number): AsyncGenerator<MicroBatch<HostTree>> {
    for await (const [number, loaded] of loader.microBatches(step)) {
      const { images, masked } = loaded;
      const batch = {
        images,
        masked: { ...masked },
        ...(await answers.of(loaded)),
        ...dropPathKeeps(vit, microBatchSize, createRandom(seed, 'drop path', number)),
      };
      // The loss is a mean over masked patches, and micro-batches differ in how many they have.
      yield { batch, weight: sum(masked.weights) };
    }
  }
  const batch = async (step: number) => ({
    microBatches: microBatches(step),
    scalars: optimizer.scalars(step, learningRate(step)),
  });

  try {
    const program = await trainingProgram({
      loss: objective.loss,
      optimizer,
      params: objective.init(createRandom(seed, 'model')),
      example: await firstBatch(microBatches(0)),
      microBatches: loader.parts,
      job: options.job,
      shardOptimizer: options.shardOptimizer,
      engine: options.engine,
    });
    progress.message(`pretraining: ${program.engine}, ${options.engine.precision}`);
    const result = await train({
      name: 'pretraining',
      program,
      batch,
      totalSteps,
      imagesPerStep: batchSize,
      stepsPerEpoch: loader.stepsPerEpoch,
      runDir,
      config: {
        stage: 'pretraining',
        ...recipe,
        precision: options.engine.precision,
        images: source.names.length,
      },
      schedules: { learningRate },
      logEvery: options.logEvery,
      checkpointEvery: Math.max(5, Math.ceil(totalSteps / 10)),
      evaluate: {
        every: Math.max(1, Math.ceil(totalSteps / 8)),
        run: async (_step, state) => evaluate((state as { params: NamedTensors }).params),
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
    await answers.dispose();
    await loader.close();
  }
}

const sum = ({ data }: HostTensor) => (data as Float32Array).reduce((a, b) => a + b, 0);
