/** What a recipe is: the schema of recipes from files and the type of those in `recipes.ts`, from one description. */

import type { CropOptions, PhotometricDistortion } from '@beit/data';
import {
  above,
  aboveUpTo,
  atLeast,
  batchSize,
  betas,
  decidedSegmenterHead,
  fields,
  fraction,
  imageSize,
  labelNumbers,
  normalization,
  oneOfNames,
  pair,
  pixels,
  positiveShare,
  range,
  recipeName,
  share,
  steps,
  text,
  vitConfig,
  warmupSteps,
  whole,
  wrongChannels,
  z,
} from '@beit/schemas';
import { imageSides } from '@beit/tensors';

const distortion = fields({
  brightness: atLeast(0),
  contrast: range(atLeast(0)),
  saturation: range(atLeast(0)),
  hue: atLeast(0),
}) satisfies z.ZodType<PhotometricDistortion>;

const parts = fields({
  name: recipeName,
  /** What it is, where its numbers are from, and what was reached with it. */
  about: text,
  evidence: oneOfNames(['trained here', 'shapes checked', 'none']),
  data: z.discriminatedUnion(
    'kind',
    [
      /** Scenes of the embedded emoji, written to runs/data when they are first asked for. */
      fields({
        kind: z.literal('scenes'),
        training: whole(1, 1_000_000),
        validation: whole(1, 1_000_000),
        width: pixels(16),
        height: pixels(16),
        heldOutShare: fraction,
      }),
      /** The user's own images, in the layout of ADE20K: needs `--data`. What the numbers of its masks mean; left out: found. */
      fields({ kind: z.literal('folder'), labels: labelNumbers.optional() }),
    ],
    { error: 'expected one of scenes, folder' },
  ),
  /** Whether training begins with a checkpoint, or with random parameters. */
  start: oneOfNames(['checkpoint', 'scratch']),
  /** Its `imageSize` is that of crops and windows. */
  model: vitConfig,
  head: decidedSegmenterHead,
  views: fields({
    normalization,
    /** Longer and shorter side that images are resized to; left out: they stay as they are. */
    scale: pair(pixels()).optional(),
    /** In training, drawn for each image. */
    ratio: range(aboveUpTo(0, 100)),
    categoryMaxRatio: positiveShare,
    flip: share,
    distortion: distortion.optional(),
    /** Pixels from one window to the next in evaluation: down and across. */
    stride: imageSize,
  }) satisfies z.ZodType<Omit<CropOptions, 'cropSize'>>,
  /** What the loss is a mean over: the labelled pixels, or all of them as in mmsegmentation. */
  average: oneOfNames(['labelled', 'all']),
  /** The weight of each class in the loss, which then is a weighted mean over the labelled pixels; left out: all count alike. */
  classWeights: z.array(atLeast(0)).optional(),
  /** Crops per step, in micro-batches of at most `microBatchSize`, each of which normalizes by its own statistics. */
  batchSize,
  microBatchSize: batchSize,
  steps,
  warmupSteps,
  learningRate: above(0),
  /** Factor on the learning rate from one layer to the one below; 1 for none. */
  layerDecay: positiveShare,
  betas,
  weightDecay: atLeast(0),
  clipNorm: above(0).optional(),
  /** Steps from one evaluation to the next. */
  evaluateEvery: whole(1),
  seed: whole(0),
});

export type SegmentRecipe = z.infer<typeof parts>;

/** A recipe whose parts fit together. */
export const segmentRecipe: z.ZodType<SegmentRecipe> = parts.check(({ value, issues }) => {
  const { batchSize, microBatchSize, steps, warmupSteps, model, head, views } = value;
  const expected = (path: readonly string[], message: string) =>
    issues.push({ code: 'custom', path: [...path], input: value, message: `expected ${message}` });
  if (batchSize % microBatchSize !== 0)
    expected(['microBatchSize'], `a divisor of batchSize, which is ${batchSize}`);
  if (warmupSteps > steps) expected(['warmupSteps'], `at most steps, which is ${steps}`);
  const [[down, across], [height, width]] = [imageSides(views.stride), imageSides(model.imageSize)];
  if (down > height || across > width)
    expected(['views', 'stride'], `at most model.imageSize, which is ${JSON.stringify(model.imageSize)}`);
  const wrong = wrongChannels(model, views.normalization);
  if (wrong) expected(['views', 'normalization'], wrong);
  if (head.kind === 'setr-pup' && model.patchSize % 2 ** head.numConvs !== 0)
    expected(['head', 'numConvs'], `so many doublings as go into a patch of ${model.patchSize} pixels`);
  // The others' logits are 4 times as large as the grid of patches.
  if (head.kind !== 'setr-pup' && model.patchSize % 4 !== 0)
    expected(['model', 'patchSize'], `a multiple of 4 pixels, with ${head.kind}`);
  if (head.kind === 'upernet' && head.auxiliary.length > 1)
    expected(['head', 'auxiliary'], 'at most one, with UPerNet');
  if ('auxiliary' in head && head.auxiliary.some(({ block }) => block >= model.depth))
    expected(['head', 'auxiliary'], `blocks below model.depth, which is ${model.depth}`);
  if ('blocks' in head && head.blocks.some((block) => block >= model.depth))
    expected(['head', 'blocks'], `blocks below model.depth, which is ${model.depth}`);
});
