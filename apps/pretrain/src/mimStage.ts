import { firstBatch, type HostTree, stageLoader, trainingProgram } from '@beit/apps-shared';
import { compile } from '@beit/compile';
import type { Dvae } from '@beit/dvae';
import { createMim, type Mim, pretrainLoss } from '@beit/mim';
import { adamW, cosineSchedule } from '@beit/optim';
import { createRandom } from '@beit/random';
import { type MicroBatch, train } from '@beit/trainer';
import { createVit, drawDropPathKeeps, type Vit } from '@beit/vit';
import type { HostTensor, NamedTensors } from '@beit/weights';
import type * as tf from '@tensorflow/tfjs';
import { copied, type StageOptions, type StageResult } from './tokenizerStage';
import { trainingViews } from './views';

export interface Tokenizer {
  readonly dvae: Dvae;
  readonly params: NamedTensors;
}

/** The model of stage 2 for a recipe. */
export function createModel(recipe: StageOptions['recipe']): { vit: Vit; mim: Mim } {
  const vit = createVit(recipe.mim.model);
  return { vit, mim: createMim({ backbone: vit, vocabSize: recipe.tokenizer.model.vocabSize }) };
}

type Tensors = Record<string, tf.Tensor>;

/** Stage 2: predicts the visual tokens of masked patches. `evaluate` measures the parameters so far on held-out images. */
export async function mimStage(
  options: StageOptions,
  { dvae, params: tokenizerParams }: Tokenizer,
  evaluate: (params: NamedTensors) => Promise<Record<string, number>>,
): Promise<StageResult> {
  const { recipe, source, runDir, progress, signal } = options;
  const { seed, mim: settings } = recipe;
  const { vit, mim } = createModel(recipe);
  const { batchSize, microBatchSize } = settings;
  const loader = stageLoader({
    source,
    batchSize,
    microBatchSize,
    seed,
    views: trainingViews(recipe),
    masking: settings.masking,
    workers: options.workers,
  });
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
  const { tokenImageSize } = recipe.views;

  const tokenize = await compile(
    (params: Tensors, { images }: { images: tf.Tensor }) => ({
      state: params,
      outputs: { tokens: dvae.tokenize(params, images) as tf.Tensor },
    }),
    {
      state: Object.fromEntries(
        Object.entries(tokenizerParams).filter(([name]) => name.startsWith('encoder.')),
      ),
      inputs: {
        images: { dtype: 'float32', shape: [microBatchSize, tokenImageSize, tokenImageSize, 3] },
      },
    },
    options.engine,
  );

  async function* microBatches(step: number): AsyncGenerator<MicroBatch<HostTree>> {
    for await (const [number, { images, tokenImages, masked }] of loader.microBatches(step)) {
      const { tokens } = await tokenize.run({ images: tokenImages });
      const batch = { images, masked: { ...masked }, visualTokens: tokens, ...dropPathKeeps(number) };
      // The loss is a mean over masked patches, and micro-batches differ in how many they have.
      yield { batch, weight: sum(masked.weights) };
    }
  }
  const dropPathKeeps = (number: number): HostTree => {
    if (vit.config.dropPathRate === 0) return {};
    const random = createRandom(seed, 'drop path', number);
    return { dropPathKeeps: drawDropPathKeeps(vit.config, microBatchSize, random) };
  };
  const batch = async (step: number) => ({
    microBatches: microBatches(step),
    scalars: optimizer.scalars(step, learningRate(step)),
  });

  try {
    const program = await trainingProgram({
      loss: pretrainLoss(mim) as never,
      optimizer,
      params: mim.init(createRandom(seed, 'model')),
      example: await firstBatch(microBatches(0)),
      microBatches: loader.parts,
      engine: options.engine,
    });
    progress.message(`pretraining: ${program.engine}, ${options.engine.precision}`);
    const paramsNow = async () => ((await program.readState()) as { params: NamedTensors }).params;
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
        run: async () => evaluate(await paramsNow()),
      },
      progress,
      signal,
      batchNames: (step) => loader.namesOf(step),
    });
    const params = copied(await paramsNow());
    await program.dispose();
    return { ...result, params, engine: program.engine, unreadable: loader.unreadable() };
  } finally {
    await tokenize.dispose();
    await loader.close();
  }
}

const sum = ({ data }: HostTensor) => (data as Float32Array).reduce((a, b) => a + b, 0);
