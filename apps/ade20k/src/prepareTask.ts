import {
  modelOf,
  normalizationFor,
  type Pretrained,
  pretrainedOf,
  type Start,
  type StartedFrom,
  startedFromOf,
  startFrom,
  UsageError,
} from '@beit/cli';
import { createRandom } from '@beit/random';
import type { ProgressReporter } from '@beit/trainer';
import { type Dataset, describeDataset, loadDataset } from './dataset';
import { createModel, isHead, isUnused, type Model } from './model';
import type { Options } from './options';
import type { SegmentRecipe } from './recipe';

/** What training begins with. */
export interface Task {
  readonly dataset: Dataset;
  /** With the architecture of the checkpoint, and what the numbers of the masks were taken for. */
  readonly recipe: SegmentRecipe;
  readonly model: Model;
  readonly start: Start;
  /** The checkpoint; undefined: random parameters. */
  readonly startedFrom: StartedFrom | undefined;
}

/** Images, model and first parameters; says what they are. @throws when the images or the checkpoint cannot be used */
export async function prepareTask(
  { recipe, data, checkpoint, heads, scratch }: Options,
  progress: Pick<ProgressReporter, 'message' | 'update'>,
): Promise<Task> {
  const dataset = await loadDataset(recipe, data, progress);
  progress.message(describeDataset(dataset));
  assertClassWeights(recipe, dataset.classes);
  const pretrained = await pretrainedOf({ checkpoint, heads, scratch, name: recipe.name }, progress);
  const { labels } = dataset.annotation;
  const resolved: SegmentRecipe =
    recipe.data.kind === 'folder' ? { ...recipe, data: { ...recipe.data, labels } } : recipe;
  return {
    dataset,
    ...beginWith(resolved, dataset.classes.length, pretrained),
    startedFrom: pretrained && startedFromOf(pretrained),
  };
}

function assertClassWeights(
  { name, classWeights }: Pick<SegmentRecipe, 'name' | 'classWeights'>,
  classes: readonly string[],
): void {
  if (classWeights && classWeights.length !== classes.length)
    throw new UsageError(
      `The recipe '${name}' has ${classWeights.length} classWeights; expected ${classes.length}, ` +
        `for ${classes.join(', ')}.`,
    );
}

/**
 * The model and its first parameters: those of a checkpoint, with its architecture and normalization, or random ones.
 * Positions are interpolated bilinearly (section 3.2).
 *
 * @throws when the checkpoint lacks a part of the encoder: the error lists it
 */
export function beginWith(
  wanted: SegmentRecipe,
  numClasses: number,
  pretrained: Pretrained | undefined,
): Pick<Task, 'recipe' | 'model' | 'start'> {
  const { normalization, note } = normalizationFor(wanted.views.normalization, pretrained);
  const recipe = {
    ...wanted,
    ...(pretrained && { model: modelOf(wanted.model, pretrained) }),
    views: { ...wanted.views, normalization },
  };
  const model = createModel(recipe, numClasses);
  const initial = model.segmenter.init(createRandom(recipe.seed, 'model'));
  const mayBeginAnew = (name: string) => isHead(name) || isUnused(name);
  const start = startFrom(recipe.model, initial, pretrained, mayBeginAnew, 'bilinear');
  return { recipe, model, start: { ...start, notes: [note, ...start.notes] } };
}
