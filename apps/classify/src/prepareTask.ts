import type { ProgressReporter } from '@beit/trainer';
import { type Dataset, describeDataset, labelledShare, loadDataset } from './dataset';
import { createModel, type Model } from './model';
import type { Options } from './options';
import { pretrainedOf } from './pretrainedOf';
import type { FinetuneRecipe } from './recipe';
import { recipeFor, type Start, startFrom } from './startFrom';

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
  readonly startedFrom: string | undefined;
}

/** Images, model and first parameters; says what they are. @throws when the images or the checkpoint cannot be used */
export async function prepareTask(
  options: Options,
  progress: Pick<ProgressReporter, 'message'>,
): Promise<Task> {
  const whole = await loadDataset(options.recipe, options.data);
  const dataset = { ...whole, train: labelledShare(whole.train, options.labels, options.recipe.seed) };
  progress.message(describeDataset(dataset));
  const pretrained = await pretrainedOf(options, progress);
  const recipe = pretrained ? recipeFor(options.recipe, pretrained) : options.recipe;
  const model = createModel(recipe, dataset.classes.length);
  const start = startFrom(recipe, model.classifier, pretrained);
  const imagesPerEpoch = whole.train.labels.length;
  return { dataset, imagesPerEpoch, recipe, model, start, startedFrom: pretrained?.path };
}
