/**
 * What a recipe is: the schema of recipes from files and the type of those in `recipes.ts`, from one description.
 */

import type { MaskingOptions } from '@beit/data';
import { createDvae } from '@beit/dvae';
import { createBlockwiseMasking, createRandomMasking } from '@beit/masking';
import {
  above,
  atLeast,
  background,
  batchSize,
  betas,
  colorJitter,
  constructible,
  crop,
  epochs,
  fields,
  fraction,
  imageSize,
  normalization,
  oneOfNames,
  pair,
  pixels,
  recipeName,
  share,
  text,
  vitConfig,
  warmupSteps,
  whole,
  wrongChannels,
  z,
} from '@beit/schemas';
import { dvaeConfig } from '@beit/schemas/tokenizer';
import { type ImageSize, imageSides, isSameSize, MOST_PIXELS, shortSize } from '@beit/tensors';
import { gridOf } from '@beit/vit';

/** Images per step, in micro-batches of at most `microBatchSize`. */
const batches = { batchSize, microBatchSize: batchSize };

/** Stage 1: the tokenizer. Schedules are cosines over its steps; see `dvaeSchedules`. */
const tokenizerRecipe = fields({
  model: dvaeConfig,
  ...batches,
  /** May be a fraction; the steps are whole. */
  epochs,
  /** The first and the last. */
  learningRate: pair(above(0)),
  /** Share of the steps over which the learning rate falls. */
  learningRateDecay: share,
  warmupSteps,
  betas,
  weightDecay: atLeast(0),
  clipNorm: above(0).optional(),
  /** β of the paper. */
  klWeight: atLeast(0),
  /** Share of the steps over which β rises from 0. */
  klWarmup: share,
  finalTemperature: above(0),
  /** Share of the steps over which the temperature falls from 1. */
  temperatureDecay: share,
  /** Weight of the reward for using the whole vocabulary; 0 is the paper. */
  usageWeight: atLeast(0),
});

/** Patches: the side of a square grid, or rows and columns. */
const gridTarget = {
  gridSize: z.union([pixels(), pair(pixels())], {
    error: `expected a whole number from 1 to ${MOST_PIXELS}, or a list of two`,
  }),
  numMaskingPatches: whole(1).optional(),
  maskRatio: share.optional(),
};
const masking = z.discriminatedUnion(
  'kind',
  [
    fields({
      kind: z.literal('blockwise'),
      ...gridTarget,
      minNumPatches: whole(1).optional(),
      maxNumPatches: whole(1).optional(),
      minAspect: above(0).optional(),
      maxAspect: above(0).optional(),
      attempts: whole(1, 100_000).optional(),
      stopRule: oneOfNames(['official', 'exact', 'paper']).optional(),
    }).check(constructible(createBlockwiseMasking)),
    fields({ kind: z.literal('random'), ...gridTarget }).check(constructible(createRandomMasking)),
  ],
  { error: 'expected one of blockwise, random' },
) satisfies z.ZodType<MaskingOptions>;

export const TARGETS = ['tokens', 'pixels'] as const;

/** Stage 2: masked image modelling. */
const mimRecipe = fields({
  /** What is predicted of masked patches: `tokens` is the paper's method, `pixels` its ablation (table 4), without stage 1. */
  target: oneOfNames(TARGETS),
  model: vitConfig,
  masking,
  ...batches,
  /** May be a fraction; the steps are whole. */
  epochs,
  warmupEpochs: atLeast(0),
  learningRate: above(0),
  minLearningRate: atLeast(0),
  betas,
  weightDecay: atLeast(0),
  clipNorm: above(0),
});

const parts = fields({
  name: recipeName,
  /** What it is, where its numbers are from, and what was reached with it. */
  about: text,
  evidence: oneOfNames(['trained here', 'shapes checked', 'none']),
  data: z.discriminatedUnion(
    'kind',
    [
      /** The embedded data set, decoded to `size` pixels, of which `heldOutShare` is not trained on (default 0.1). */
      fields({ kind: z.literal('emoji'), size: pixels(), heldOutShare: fraction.optional() }),
      /** The user's own images: needs `--data`. So many shards are mixed with each other. */
      fields({ kind: z.literal('folder'), shardWindow: whole(1).optional() }),
    ],
    { error: 'expected one of emoji, folder' },
  ),
  views: fields({
    /** Pixels of the view for the tokenizer; the encoder's are `mim.model.imageSize`. */
    tokenImageSize: imageSize,
    normalization,
    background,
    crop,
    colorJitter,
    /** Probability of mirroring. */
    flip: share,
  }),
  tokenizer: tokenizerRecipe,
  mim: mimRecipe,
  seed: whole(0),
});

export type PretrainRecipe = z.infer<typeof parts>;

/** A recipe whose parts fit together. */
export const pretrainRecipe: z.ZodType<PretrainRecipe> = parts.check(({ value, issues }) => {
  const { tokenizer, mim, views } = value;
  const expected = (path: string, message: string) =>
    issues.push({ code: 'custom', path: path.split('.'), input: value, message: `expected ${message}` });
  for (const [name, { batchSize, microBatchSize }] of Object.entries({ tokenizer, mim })) {
    if (batchSize % microBatchSize !== 0)
      expected(`${name}.microBatchSize`, `a divisor of batchSize, which is ${batchSize}`);
  }
  if (mim.warmupEpochs > mim.epochs)
    expected('mim.warmupEpochs', `at most mim.epochs, which is ${mim.epochs}`);
  const grid = gridOf(mim.model);
  const shown = (size: ImageSize) => JSON.stringify(shortSize(imageSides(size)));
  if (!isSameSize(mim.masking.gridSize, grid))
    expected('mim.masking.gridSize', `${shown(grid)}, imageSize / patchSize of mim.model`);
  if (dvaeConfig.safeParse(tokenizer.model).success) {
    const { downsampling } = createDvae(tokenizer.model);
    const tokenSize = [grid[0] * downsampling, grid[1] * downsampling] as const;
    if (mim.target === 'tokens' && !isSameSize(views.tokenImageSize, tokenSize))
      expected(
        'views.tokenImageSize',
        `${shown(tokenSize)}, so that a visual token of tokenizer.model is a patch of mim.model`,
      );
  }
  const wrong = wrongChannels(mim.model, views.normalization);
  if (wrong) expected('views.normalization', wrong);
});
