import type { Classifier } from '@beit/classification';
import { createRandom } from '@beit/random';
import { resizeParams } from '@beit/vit';
import { describeFit, fitParameters, type NamedTensors } from '@beit/weights';
import type { Pretrained } from './checkpoint';
import type { FinetuneRecipe } from './recipe';

/**
 * The recipe with the architecture and the normalization of a checkpoint, at the recipe's resolution and rate of dropped
 * paths. A shared relative position bias becomes one per block, as the released fine-tuning code has it.
 */
export function recipeFor(
  recipe: FinetuneRecipe,
  { config, normalization = recipe.views.normalization }: Pretrained,
): FinetuneRecipe {
  const { imageSize, dropPathRate } = recipe.model;
  const { useSharedRelPosBias = false, useRelPosBias = false } = config;
  const model = {
    ...config,
    imageSize,
    dropPathRate,
    useRelPosBias: useRelPosBias || useSharedRelPosBias,
    useSharedRelPosBias: false,
  };
  return { ...recipe, model, views: { ...recipe.views, normalization } };
}

export interface Start {
  readonly params: NamedTensors;
  /** What was not taken from the checkpoint, or not needed of it, for people. */
  readonly notes: readonly string[];
}

export const shapesOf = (params: NamedTensors): Record<string, readonly number[]> =>
  Object.fromEntries(Object.entries(params).map(([name, { shape }]) => [name, shape]));

/** What fine-tuning may begin anew, and what it does not take from pre-training: its final norm is not the head's. */
const isHead = (name: string) => /^(head|fc_norm|norm)\./.test(name);
const isPretraining = (name: string) => /^(lm_head|pixel_head|norm|fc_norm|head)\.|^mask_token$/.test(name);

/**
 * What fine-tuning begins with: the checkpoint's encoder, brought to the recipe's resolution, and a new head. A head for
 * as many classes is taken over. Reference: microsoft/unilm beit/run_class_finetuning.py.
 *
 * @throws when the checkpoint lacks a part of the encoder, or has one of another shape: the error lists them
 */
export function startFrom(
  recipe: FinetuneRecipe,
  classifier: Classifier,
  pretrained: Pretrained | undefined,
): Start {
  const initial = classifier.init(createRandom(recipe.seed, 'model'));
  if (!pretrained) return { params: initial, notes: [] };
  const tensors = resizeParams(pretrained.tensors, pretrained.config, recipe.model);
  const fit = fitParameters(tensors, shapesOf(initial));
  const fatal = {
    ...fit,
    missing: fit.missing.filter((name) => !isHead(name)),
    misshapen: fit.misshapen.filter(({ name }) => !isHead(name)),
  };
  if (fatal.missing.length + fatal.misshapen.length > 0)
    throw new Error(`${pretrained.path} is no checkpoint of this model.\n${describeFit(fatal)}`);
  const fresh = Object.keys(initial).filter((name) => !(name in fit.params));
  const unknown = fit.extra.filter((name) => !isPretraining(name));
  return {
    params: Object.fromEntries(Object.entries(initial).map(([name, own]) => [name, fit.params[name] ?? own])),
    notes: [
      ...(fresh.length > 0 ? [`New in the classifier: ${fresh.join(', ')}.`] : []),
      ...(unknown.length > 0 ? [`Not used of the checkpoint: ${unknown.join(', ')}.`] : []),
    ],
  };
}
