/** Short trainings of the three apps, with the models of their default recipes. */

export interface Training {
  readonly app: 'pretrain' | 'classify' | 'ade20k';
  readonly about: string;
  readonly recipe: object;
  readonly options: readonly string[];
  /** What it leaves behind, and is compared. */
  readonly models: readonly string[];
  /** The folder of its metrics, in the run's. */
  readonly folder: string;
}

/**
 * A small rate. AdamW moves a parameter whose gradient is 0 but for rounding, as of a weight that nothing depends on yet,
 * by the whole rate, up or down as the rounding was; at the recipes' own rate of 4e-3 that would be all that is seen.
 */
const LEARNING_RATE = 1e-4;

const BATCH_SIZE = 24;
/** Micro-batches of two, whether 1, 2, 3 or 4 processes share the batch. */
export const OF_PROCESSES = { batchSize: BATCH_SIZE, microBatchSize: 2 };
/** All at once, which 1, 2, 4 or 8 devices share: what is normalized over a batch is over the same one. */
export const OF_DEVICES = { batchSize: BATCH_SIZE, microBatchSize: BATCH_SIZE };
type Batch = typeof OF_PROCESSES;

export const tokenizerTraining = (batch: Batch): Training => ({
  app: 'pretrain',
  about: 'the tokenizer',
  recipe: {
    extends: 'emoji',
    tokenizer: { ...batch, epochs: 0.15, learningRate: [LEARNING_RATE, LEARNING_RATE] },
    mim: { ...batch, epochs: 0.01, warmupEpochs: 0 },
  },
  options: [],
  models: ['tokenizer.safetensors'],
  folder: 'tokenizer',
});

/** @param tokenizer one for all: a rounding error in learning it would change tokens, which are what is learned here */
export const trainingsWith = (tokenizer: string, batch: Batch): readonly Training[] => [
  {
    app: 'pretrain',
    about: 'masked image modelling, dropped paths',
    recipe: {
      extends: 'emoji',
      mim: { ...batch, epochs: 0.15, warmupEpochs: 0.05, model: { dropPathRate: 0.1 } },
    },
    options: ['--tokenizer', tokenizer],
    models: ['model.safetensors'],
    folder: 'pretrain',
  },
  {
    app: 'classify',
    about: 'mixup, cutmix, dropped paths, moving average',
    recipe: {
      extends: 'emoji',
      ...batch,
      model: { dropPathRate: 0.1 },
      mix: { mixupAlpha: 0.8, cutmixAlpha: 1 },
      epochs: 1,
      warmupEpochs: 0.2,
      emaDecay: 0.9,
    },
    options: ['--scratch'],
    models: ['model.safetensors', 'model-ema.safetensors'],
    folder: '.',
  },
  {
    app: 'ade20k',
    about: 'SETR-PUP with running statistics, dropped paths',
    recipe: {
      extends: 'emoji',
      ...batch,
      data: { training: 120, validation: 12 },
      steps: 20,
      warmupSteps: 2,
      evaluateEvery: 20,
      learningRate: LEARNING_RATE,
    },
    options: ['--scratch'],
    models: ['model.safetensors'],
    folder: '.',
  },
];
