import type { Color } from '@beit/segmentation';
import { createVit } from '@beit/vit';
import { centerFraming, type Framing, type Normalization } from '@beit/weights';
import { z } from 'zod';
import { json, readMetadata, writeMetadata } from './metadata';
import {
  constructible,
  imageSize,
  labelNumbers,
  normalization,
  oneOfNames,
  pair,
  pixels,
  positiveShare,
  text,
  triple,
  vitConfig,
  whole,
} from './recipeSchema';
import { segmenterHead } from './segmenterHead';

const size = { height: pixels(), width: pixels() };
/** How pictures come to the model's size. */
const framing = z.object({
  resize: z
    .object({
      to: z.union([
        z.object(size),
        z.object({ shortestEdge: pixels() }),
        z.object({ cover: z.object(size) }),
      ]),
      filter: oneOfNames(['nearest', 'box', 'bilinear', 'hamming', 'bicubic', 'lanczos']),
    })
    .optional(),
  crop: z.object({ ...size, rounding: oneOfNames(['down', 'half-even']) }).optional(),
  transparency: oneOfNames(['white', 'dropped']),
}) satisfies z.ZodType<Framing>;
/** What stood in the place of `framing` and of a classifier's `normalization`, in files written before. */
const classifierViews = z.object({ normalization, cropShare: positiveShare });
/** What evaluation of a segmenter needs of them, beside the normalization. */
const segmenterViews = z.object({ scale: pair(pixels()).optional(), stride: imageSize });
const color = triple(whole(0, 255)) satisfies z.ZodType<Color>;
/**
 * What the model files of this project, `model.safetensors`, say of themselves beside their tensors. Whoever writes or
 * reads one does it with this. A file may say more than is known here.
 */
const modelMetadata = z.object({
  /** The architecture. */
  config: json(vitConfig.unwrap().strip().check(constructible(createVit))),
  /** What it was trained with. */
  normalization: json(normalization).optional(),
  framing: json(framing).optional(),
  /** Their names, in the order of the logits. */
  classes: json(z.array(text).readonly()).optional(),
  classifier: json(
    z.object({
      pooling: oneOfNames(['mean', 'cls']),
      /** Left out: each picture is of one class. */
      problemType: oneOfNames(['multi_label_classification']).optional(),
      views: classifierViews.optional(),
    }),
  ).optional(),
  segmenter: json(
    z.object({
      palette: z.array(color).readonly(),
      head: segmenterHead,
      views: segmenterViews,
      /** What the numbers of its masks mean; left out: ADE20K's. */
      labels: labelNumbers.optional(),
    }),
  ).optional(),
});

export type ModelMetadata = z.output<typeof modelMetadata>;
export type SegmenterViews = z.output<typeof segmenterViews>;

/** @throws with the file's name, the keys that are wrong and what was expected */
export const readModelMetadata = (metadata: Readonly<Record<string, string>>, file: string): ModelMetadata =>
  readMetadata(modelMetadata, metadata, file);

export const writeModelMetadata = (described: ModelMetadata): Record<string, string> =>
  writeMetadata(described);

/** What a model wants its images to be, wherever its file says so. */
export const normalizationOf = ({ normalization, classifier }: ModelMetadata): Normalization | undefined =>
  normalization ?? classifier?.views?.normalization;

/** How pictures come to a model's size, wherever its file says so. */
export function framingOf({ config, framing, classifier }: ModelMetadata): Framing | undefined {
  const cropShare = classifier?.views?.cropShare;
  if (framing || cropShare === undefined) return framing;
  return centerFraming({ imageSize: config.imageSize, cropShare });
}
