import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { folderNotes, makeWhole, passProgress, RUNS } from '@beit/cli';
import {
  type AnnotationOptions,
  type LabelNumbers,
  type SegmentationSource,
  segmentationFolder,
  surveyMasks,
  writeEmojiScenes,
} from '@beit/data';
import { ADE20K_CLASSES, ADE20K_PALETTE, type Color, createPalette } from '@beit/segmentation';
import type { ProgressReporter } from '@beit/trainer';
import { labelsOf } from './labels';
import type { SegmentRecipe } from './recipe';

export interface Dataset {
  readonly classes: readonly string[];
  readonly palette: readonly Color[];
  readonly training: SegmentationSource;
  readonly validation: SegmentationSource;
  /** Where there is one. */
  readonly test?: SegmentationSource;
  readonly annotation: AnnotationOptions;
  /** What people should know of the files: sentences. */
  readonly notes: readonly string[];
}

/**
 * The images of a recipe: the folder `directory`, or the scenes, which are written when they are not there yet. What the
 * numbers of a folder's masks mean is found from some of them, and said.
 *
 * @param otherwise what they mean where neither the recipe nor the masks tell
 * @throws UsageError as `labelsOf`
 */
export async function loadDataset(
  { data }: Pick<SegmentRecipe, 'data'>,
  directory: string | undefined,
  progress: Pick<ProgressReporter, 'message' | 'update'>,
  otherwise?: LabelNumbers,
): Promise<Dataset> {
  const folder = data.kind === 'scenes' ? await scenesFolder(data, progress) : directory!;
  const { classes = ADE20K_CLASSES, passedOver, ...parts } = await segmentationFolder(folder);
  const { training, validation } = parts;
  const named = classes !== ADE20K_CLASSES;
  const common = { classes, palette: named ? paletteOf(classes) : ADE20K_PALETTE, ...parts };
  if (data.kind === 'scenes')
    return { ...common, annotation: { numClasses: classes.length, labels: 'ade20k' }, notes: [] };
  const surveys = { training: await surveyMasks(training), validation: await surveyMasks(validation) };
  const { annotation, messages } = labelsOf({ classes, named, surveys, asked: data.labels, otherwise });
  const notes = await folderNotes(training.images, passedOver);
  for (const message of [...messages, ...notes]) progress.message(message);
  return { ...common, annotation, notes };
}

/** What is no object is gray. */
function paletteOf(classes: readonly string[]): Color[] {
  const colors = createPalette(classes.length);
  return colors.map((color, label) => (classes[label] === 'background' ? [96, 96, 96] : color));
}

async function scenesFolder(
  { kind: _, ...options }: Extract<SegmentRecipe['data'], { kind: 'scenes' }>,
  progress: Pick<ProgressReporter, 'message' | 'update'>,
): Promise<string> {
  const { training, validation, width, height, heldOutShare } = options;
  const name = `emoji-scenes-1-${width}x${height}-${training}-${validation}-${heldOutShare}`;
  const folder = join(RUNS, 'data', name);
  if (existsSync(folder)) return folder;
  progress.message(`Writing ${training + validation} scenes to ${folder}`);
  const onProgress = passProgress('scenes', progress.update);
  await makeWhole(folder, async (partial) => {
    await writeEmojiScenes(partial, { ...options, onProgress });
  }).catch((error: Error) => {
    // Another process was faster, with the same scenes.
    if (!existsSync(folder)) throw error;
  });
  return folder;
}

/** For people. */
export const describeDataset = ({ classes, training, validation }: Dataset): string =>
  `${training.images.names.length} images to train on, ${validation.images.names.length} to validate, ${classes.length} classes.`;
