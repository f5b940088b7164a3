import type { Color, SegmenterHead } from '@beit/segmentation';
import type { Normalization } from '@beit/weights';
import { z } from 'zod';
import { json, readMetadata, writeMetadata } from './metadata';
import {
  labelNumbers,
  normalization,
  oneOfNames,
  pair,
  positiveShare,
  text,
  triple,
  vitConfig,
  whole,
} from './recipeSchema';

const HEADS = ['setr-pup', 'setr-naive', 'setr-mla', 'upernet'] as const satisfies SegmenterHead['kind'][];

/** What evaluation of a classifier needs of the views. */
const classifierViews = z.object({ normalization, cropShare: positiveShare });
/** What evaluation of a segmenter needs of them, beside the normalization. */
const segmenterViews = z.object({ scale: pair(whole(1)).optional(), stride: whole(1) });
const color = triple(whole(0)) satisfies z.ZodType<Color>;
/** Which of the heads; what else it says is checked by `createSegmenter`. */
const segmenterHead = z.custom<SegmenterHead>(
  (head) => z.object({ kind: oneOfNames(HEADS) }).safeParse(head).success,
  { error: `expected a head of kind ${HEADS.join(', ')}` },
);

/**
 * What the model files of this project, `model.safetensors`, say of themselves beside their tensors. Whoever writes or
 * reads one does it with this. A file may say more than is known here.
 */
const modelMetadata = z.object({
  /** The architecture. */
  config: json(vitConfig.unwrap().strip()),
  /** What it was trained with; a classifier has it in its views. */
  normalization: json(normalization).optional(),
  /** Their names, in the order of the logits. */
  classes: json(z.array(text).readonly()).optional(),
  classifier: json(z.object({ pooling: oneOfNames(['mean', 'cls']), views: classifierViews })).optional(),
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
export type ClassifierViews = z.output<typeof classifierViews>;
export type SegmenterViews = z.output<typeof segmenterViews>;

/** @throws with the file's name, the keys that are wrong and what was expected */
export const readModelMetadata = (metadata: Readonly<Record<string, string>>, file: string): ModelMetadata =>
  readMetadata(modelMetadata, metadata, file);

export const writeModelMetadata = (described: ModelMetadata): Record<string, string> =>
  writeMetadata(described);

/** What a model wants its images to be, wherever its file says so. */
export const normalizationOf = ({ normalization, classifier }: ModelMetadata): Normalization | undefined =>
  normalization ?? classifier?.views.normalization;
