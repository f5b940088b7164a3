/**
 * The words in which an app says what its recipes are: schemas of zod whose messages all read "expected ...". zod, because
 * a recipe from a file needs a type, ranges and messages with paths from one description.
 */
import type { Background, ColorJitter, LabelNumbers, Normalization, RandomResizedCrop } from '@beit/data';
import { MOST_PIXELS } from '@beit/tensors';
import { createVit, type VitConfig } from '@beit/vit';
import { z } from 'zod';

export { z };

/** An object with exactly these keys. */
export const fields = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z
    .strictObject(shape, { error: `expected an object with the keys ${Object.keys(shape).join(', ')}` })
    .readonly();

const numberOf = (expected: string, test: (x: number) => boolean = () => true) => {
  const error = `expected ${expected}`;
  return z.number({ error }).refine(test, { error });
};
/** A whole number of at least `least`, and at most `most`. */
export const whole = (least: number, most = Number.MAX_SAFE_INTEGER) =>
  numberOf(
    most === Number.MAX_SAFE_INTEGER
      ? `a whole number of at least ${least}`
      : `a whole number from ${least} to ${most}`,
    (x) => Number.isSafeInteger(x) && x >= least && x <= most,
  );

/** Along a side of a picture. */
export const pixels = (least = 1) => whole(least, MOST_PIXELS);
/** Images of a step: more than anyone takes (65536: LAMB, arXiv 1904.00962), few enough to be counted out. */
export const batchSize = whole(1, 2 ** 20);
export const atLeast = (least: number) => numberOf(`a number of at least ${least}`, (x) => x >= least);
export const above = (bound: number) => numberOf(`a number above ${bound}`, (x) => x > bound);
export const aboveUpTo = (bound: number, most: number) =>
  numberOf(`a number above ${bound}, at most ${most}`, (x) => x > bound && x <= most);
/** Passes over the images: more than anyone waits for, few enough that their steps can be counted. */
export const epochs = aboveUpTo(0, 1e6);
const MOST_STEPS = 1e9;
export const steps = whole(1, MOST_STEPS);
export const warmupSteps = whole(0, MOST_STEPS);
export const share = numberOf('a number from 0 to 1', (x) => x >= 0 && x <= 1);
export const positiveShare = aboveUpTo(0, 1);
/** Above 0 and below 1. */
export const fraction = numberOf('a number above 0 and below 1', (x) => x > 0 && x < 1);
/** A beta of AdamW. */
const beta = numberOf('a number of at least 0 and below 1', (x) => x >= 0 && x < 1);
const flag = z.boolean({ error: 'expected true or false' });
export const text = z.string({ error: 'expected a text' });
/** A name that is fit for a folder. */
export const recipeName = z.string({ error: 'expected a text' }).regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, {
  error: 'expected letters, digits, dots, dashes and underscores, a letter or a digit first',
});
export const oneOfNames = <const Names extends readonly [string, ...string[]]>(names: Names) =>
  z.enum(names, { error: `expected one of ${names.join(', ')}` });
export const pair = <Item extends z.ZodType>(item: Item) =>
  z.tuple([item, item], { error: 'expected a list of two' }).readonly();
export const triple = <Item extends z.ZodType>(item: Item) =>
  z.tuple([item, item, item], { error: 'expected a list of three' }).readonly();
/** From the smaller to the larger. */
export const range = (item: z.ZodType<number>) =>
  pair(item).refine(([from, to]) => from <= to, { error: 'expected the smaller one first' });

export const betas = pair(beta);

/** A config that `construct` takes; what it throws of others is the message. */
export const constructible =
  <T>(construct: (config: T) => unknown) =>
  ({ value, issues }: z.core.ParsePayload<T>): void => {
    if (issues.length > 0) return; // What is wrong with a part is told already.
    try {
      construct(value);
    } catch (error) {
      issues.push({
        code: 'custom',
        input: value,
        message: error instanceof Error ? error.message : String(error),
      });
    }
  };

/** Pixels: the side of a square, or [height, width]. */
export const imageSize = z.union([pixels(), pair(pixels())], {
  error: `expected a whole number from 1 to ${MOST_PIXELS}, or a list of two, height and width`,
}) satisfies z.ZodType<VitConfig['imageSize']>;

export const vitConfig = fields({
  imageSize,
  patchSize: whole(1),
  /** The apps read pictures in colors or gray; the packages take images of any number of channels. */
  inChannels: whole(1)
    .refine((channels): boolean => channels === 1 || channels === 3, {
      error: 'expected 3, red, green and blue, or 1, gray',
    })
    .optional(),
  embedDim: whole(1),
  depth: whole(1),
  numHeads: whole(1),
  mlpRatio: above(0).optional(),
  useAbsPosEmb: flag.optional(),
  useRelPosBias: flag.optional(),
  useSharedRelPosBias: flag.optional(),
  layerScaleInit: atLeast(0).optional(),
  qkvBias: flag.optional(),
  dropPathRate: beta.optional(),
  layerNormEpsilon: above(0).optional(),
}).check(constructible(createVit)) satisfies z.ZodType<VitConfig>;

const perChannel = (item: z.ZodType<number>) =>
  z.union([z.tuple([item]).readonly(), triple(item)], {
    error: 'expected a list of three, for red, green and blue, or of one, for gray',
  });
export const normalization = fields({
  mean: perChannel(numberOf('a number')),
  std: perChannel(above(0)),
}).refine(({ mean, std }): boolean => mean.length === std.length, {
  error: 'expected as many numbers in std as in mean',
}) satisfies z.ZodType<Normalization>;

/** What is expected of a normalization that is not of a model's images; undefined: it is. */
export const wrongChannels = (
  { inChannels = 3 }: Pick<VitConfig, 'inChannels'>,
  { mean }: Normalization,
): string | undefined =>
  mean.length === inChannels
    ? undefined
    : `as many numbers as the model's inChannels, which is ${inChannels}`;

export const background = oneOfNames(['white', 'pastel', 'textured']) satisfies z.ZodType<Background>;

export const labelNumbers = oneOfNames(['ade20k', 'from-zero', 'binary']) satisfies z.ZodType<LabelNumbers>;

export const crop = fields({
  scale: range(share),
  aspect: range(above(0)),
}) satisfies z.ZodType<RandomResizedCrop>;

export const colorJitter = fields({
  brightness: atLeast(0),
  contrast: atLeast(0),
  saturation: atLeast(0),
}) satisfies z.ZodType<ColorJitter>;
