import type { AuxiliaryHead, SegmenterHead, SetrMla, SetrNaive, SetrPup, UperNet } from '@beit/segmentation';
import { z } from 'zod';
import { atLeast, fields, whole } from './recipeSchema';

/** As much as `createSegmenter` takes. */
const channels = whole(1, 65_536);
const few = whole(1, 64);

const auxiliaryHead = fields({
  block: whole(0),
  numConvs: few.optional(),
  upScale: few.optional(),
  weight: atLeast(0).optional(),
}) satisfies z.ZodType<AuxiliaryHead>;

const auxiliary = z.array(auxiliaryHead, { error: 'expected a list' }).readonly();

const setrPup = fields({
  kind: z.literal('setr-pup'),
  channels: channels.optional(),
  numConvs: few.optional(),
  auxiliary: auxiliary.optional(),
}) satisfies z.ZodType<SetrPup>;

const setrNaive = fields({
  kind: z.literal('setr-naive'),
  channels: channels.optional(),
  auxiliary: auxiliary.optional(),
}) satisfies z.ZodType<SetrNaive>;

const block = whole(0);
const fourBlocks = z.tuple([block, block, block, block], { error: 'expected four numbers' }).readonly();

const setrMla = fields({
  kind: z.literal('setr-mla'),
  blocks: fourBlocks,
  channels: channels.optional(),
  headChannels: channels.optional(),
}) satisfies z.ZodType<SetrMla>;

const uperNet = fields({
  kind: z.literal('upernet'),
  blocks: fourBlocks,
  channels: channels.optional(),
  poolScales: z.array(few).min(1).readonly().optional(),
  auxiliary: auxiliary.optional(),
}) satisfies z.ZodType<UperNet>;

const error = 'expected one of setr-pup, setr-naive, setr-mla, upernet';

/** As a model file has it: what is left out is as `createSegmenter` has it. */
export const segmenterHead = z.discriminatedUnion('kind', [setrPup, setrNaive, setrMla, uperNet], {
  error,
}) satisfies z.ZodType<SegmenterHead>;

/** As a recipe has it: with all that is decided, and the sides of UPerNet's grids as released. */
export const decidedSegmenterHead = z.discriminatedUnion(
  'kind',
  [
    setrPup.unwrap().required().readonly(),
    setrNaive.unwrap().required().readonly(),
    setrMla.unwrap().required().readonly(),
    uperNet.unwrap().omit({ poolScales: true }).required().readonly(),
  ],
  { error },
) satisfies z.ZodType<SegmenterHead>;
