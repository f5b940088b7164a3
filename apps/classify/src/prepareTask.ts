import {
  normalizationFor,
  type Pretrained,
  pretrainedOf,
  type Start,
  type StartedFrom,
  startedFromOf,
  startFrom,
} from '@beit/cli';
import { createRandom } from '@beit/random';
import type { ProgressReporter } from '@beit/trainer';
import { type Dataset, describeDataset, labelledShare, loadDataset } from './dataset';
import { createModel, type Model } from './model';
import type { Options } from './options';
import type { FinetuneRecipe } from './recipe';
import { recipeFor } from './recipeFor';

/** What training and probing begin with. */
export interface Task {
  /** With the share of the labels that was asked for. */
  readonly dataset: Dataset;
  /** An epoch is as long with a share of the labels as with all of them. */
  readonly imagesPerEpoch: number;
  /** With the architecture of the checkpoint. */
  readonly recipe: FinetuneRecipe;
  readonly model: Model;
  readonly start: Start;
  /** The checkpoint; undefined: random parameters. */
  readonly startedFrom: StartedFrom | undefined;
}

/** Images, model and first parameters; says what they are. @throws when the images or the checkpoint cannot be used */
export async function prepareTask(
  options: Options,
  progress: Pick<ProgressReporter, 'message'>,
): Promise<Task> {
  const { data, labelsFrom, classNames, labelShare } = options;
  const whole = await loadDataset(options.recipe, data, labelsFrom, classNames);
  const dataset = { ...whole, train: labelledShare(whole.train, labelShare, options.recipe.seed) };
  for (const text of [describeDataset(dataset), ...dataset.notes]) progress.message(text);
  const { labelSmoothing } = options.recipe;
  if (dataset.multiLabel && labelSmoothing > 0)
    progress.message(
      `Labels are not smoothed (the recipe says ${labelSmoothing}): that is for one label of each picture.`,
    );
  const { checkpoint, heads, scratch } = options;
  const pretrained = await pretrainedOf({ checkpoint, heads, scratch, name: options.recipe.name }, progress);
  const begun = beginWith(options.recipe, dataset.classes.length, pretrained, dataset.multiLabel);
  const imagesPerEpoch = whole.train.labels.length;
  return { dataset, imagesPerEpoch, ...begun, startedFrom: pretrained && startedFromOf(pretrained) };
}

/**
 * The model and its first parameters: those of a checkpoint, with its architecture and normalization, or random ones.
 *
 * @throws when the checkpoint lacks a part of the encoder: the error lists it
 */
export function beginWith(
  wanted: FinetuneRecipe,
  numClasses: number,
  pretrained: Pretrained | undefined,
  multiLabel = false,
): Pick<Task, 'recipe' | 'model' | 'start'> {
  const { note } = normalizationFor(wanted.views.normalization, pretrained);
  const recipe = pretrained ? recipeFor(wanted, pretrained) : wanted;
  const { pooling } = recipe;
  const model = createModel({ model: recipe.model, pooling, multiLabel }, numClasses);
  const initial = model.classifier.init(createRandom(recipe.seed, 'model'));
  const start = startFrom(recipe.model, initial, pretrained, isHead);
  return { recipe, model, start: { ...start, notes: [note, ...start.notes] } };
}

/** What fine-tuning may begin anew. */
const isHead = (name: string) => /^(head|fc_norm|norm)\./.test(name);
