import type { Background, ColorJitter, MaskingOptions, Normalization, RandomResizedCrop } from '@beit/data';
import type { DvaeConfig } from '@beit/dvae';
import type { VitConfig } from '@beit/vit';

/** Stage 1: the tokenizer. Schedules are cosines over its steps; see `dvaeSchedules`. */
export interface TokenizerRecipe {
  readonly model: DvaeConfig;
  /** Images per step, in micro-batches of at most `microBatchSize`. */
  readonly batchSize: number;
  readonly microBatchSize: number;
  /** May be a fraction; the steps are whole. */
  readonly epochs: number;
  readonly learningRate: readonly [first: number, last: number];
  /** Share of the steps over which the learning rate falls. */
  readonly learningRateDecay: number;
  readonly warmupSteps: number;
  readonly betas: readonly [number, number];
  readonly weightDecay: number;
  readonly clipNorm?: number;
  /** β of the paper. */
  readonly klWeight: number;
  /** Share of the steps over which β rises from 0. */
  readonly klWarmup: number;
  readonly finalTemperature: number;
  /** Share of the steps over which the temperature falls from 1. */
  readonly temperatureDecay: number;
  /** Weight of the reward for using the whole vocabulary; 0 is the paper. */
  readonly usageWeight: number;
}

/** Stage 2: masked image modelling. */
export interface MimRecipe {
  readonly model: VitConfig;
  readonly masking: MaskingOptions;
  readonly batchSize: number;
  readonly microBatchSize: number;
  /** May be a fraction; the steps are whole. */
  readonly epochs: number;
  readonly warmupEpochs: number;
  readonly learningRate: number;
  readonly minLearningRate: number;
  readonly betas: readonly [number, number];
  readonly weightDecay: number;
  readonly clipNorm: number;
}

export interface PretrainRecipe {
  readonly name: string;
  /** What it is, where its numbers are from, and what was reached with it. */
  readonly about: string;
  readonly evidence: 'trained here' | 'shapes checked';
  /** `emoji` is the embedded data set, decoded to `size` pixels; `folder` needs `--data`. */
  readonly data: { readonly kind: 'emoji'; readonly size: number } | { readonly kind: 'folder' };
  readonly views: {
    /** Side of the view for the tokenizer, pixels; the encoder's is `mim.model.imageSize`. */
    readonly tokenImageSize: number;
    readonly normalization: Normalization;
    readonly background: Background;
    readonly crop: RandomResizedCrop;
    readonly colorJitter: ColorJitter;
    readonly flip: number;
  };
  readonly tokenizer: TokenizerRecipe;
  readonly mim: MimRecipe;
  readonly seed: number;
}
