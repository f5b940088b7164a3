/**
 * What a recipe is: the schema of recipes from files and the type of those in `recipes.ts`, from one description.
 */

import type { MixConfig } from '@beit/classification';
import type { Augmentation } from '@beit/data';
import {
  above,
  atLeast,
  background,
  batchSize,
  betas,
  colorJitter,
  crop,
  epochs,
  fields,
  fraction,
  normalization,
  oneOfNames,
  pixels,
  positiveShare,
  range,
  recipeName,
  share,
  text,
  vitConfig,
  whole,
  wrongChannels,
  z,
} from '@beit/schemas';

const augmentation = fields({
  crop,
  colorJitter: colorJitter.optional(),
  /** Probability of mirroring. */
  flip: share,
  randAugment: fields({ ops: whole(0, 64), magnitude: atLeast(0), magnitudeStd: atLeast(0) }).optional(),
  erasing: fields({ probability: share, area: range(share), aspect: above(0) }).optional(),
}) satisfies z.ZodType<Augmentation>;

const mix = fields({
  mixupAlpha: atLeast(0),
  cutmixAlpha: atLeast(0),
  probability: share.optional(),
  switchProbability: share.optional(),
}) satisfies z.ZodType<MixConfig>;

const parts = fields({
  name: recipeName,
  /** What it is, where its numbers are from, and what was reached with it. */
  about: text,
  evidence: oneOfNames(['trained here', 'shapes checked', 'none']),
  data: z.discriminatedUnion(
    'kind',
    [
      /**
       * The subgroups of the embedded data set that have at least `imagesPerClass[0]` different emoji, of each at most
       * `imagesPerClass[1]`, decoded to `size` pixels.
       */
      fields({
        kind: z.literal('emoji'),
        size: pixels(),
        imagesPerClass: range(whole(2)),
        heldOutShare: fraction,
      }),
      /**
       * The user's own images: needs `--data`. So many shards are mixed with each other. `heldOutShare` of each class is
       * validated on where they have no part for it, even where they have one for testing, which then stays unseen.
       */
      fields({
        kind: z.literal('folder'),
        shardWindow: whole(1).optional(),
        heldOutShare: fraction.optional(),
      }),
    ],
    { error: 'expected one of emoji, folder' },
  ),
  /** Whether training begins with a checkpoint, or with random parameters. */
  start: oneOfNames(['checkpoint', 'scratch']),
  model: vitConfig,
  /** What stands for an image: the mean of its patches, or the cls token. */
  pooling: oneOfNames(['mean', 'cls']),
  views: fields({
    normalization,
    background,
    /** In training. */
    augmentation,
    /** In evaluation: side of the central square as a share of the shorter side. */
    cropShare: positiveShare,
  }),
  /** Times that an image comes in one epoch, each time augmented otherwise; the epoch is not longer for it. */
  repeats: whole(1, 1000),
  mix: mix.optional(),
  labelSmoothing: share,
  /** Images per step, in micro-batches of at most `microBatchSize`. */
  batchSize,
  microBatchSize: batchSize,
  /** May be a fraction; the steps are whole. */
  epochs,
  warmupEpochs: atLeast(0),
  learningRate: above(0),
  minLearningRate: atLeast(0),
  /** Factor on the learning rate from one layer to the one below; 1 for none. */
  layerDecay: positiveShare,
  betas,
  weightDecay: atLeast(0),
  clipNorm: above(0).optional(),
  /** The decay of the moving average of the parameters; left out: no average. */
  emaDecay: share.optional(),
  seed: whole(0),
});

export type FinetuneRecipe = z.infer<typeof parts>;

/** A recipe whose parts fit together. */
export const finetuneRecipe: z.ZodType<FinetuneRecipe> = parts.check(({ value, issues }) => {
  const { batchSize, microBatchSize, epochs, warmupEpochs, model, views } = value;
  const expected = (path: string, message: string) =>
    issues.push({ code: 'custom', path: path.split('.'), input: value, message: `expected ${message}` });
  if (batchSize % microBatchSize !== 0)
    expected('microBatchSize', `a divisor of batchSize, which is ${batchSize}`);
  if (warmupEpochs > epochs) expected('warmupEpochs', `at most epochs, which is ${epochs}`);
  const wrong = wrongChannels(model, views.normalization);
  if (wrong) expected('views.normalization', wrong);
});
