import type { Classifier } from '@beit/classification';
import { createRandom } from '@beit/random';
import { resizeParams, type VitConfig } from '@beit/vit';
import type { NamedTensors } from '@beit/weights';
import type { FinetuneRecipe } from './recipe';

/** A checkpoint that training can begin with. */
export interface Pretrained {
  /** For people. */
  readonly path: string;
  /** Official names. */
  readonly tensors: NamedTensors;
  readonly config: VitConfig;
}

/**
 * The recipe with the architecture of a checkpoint, at the recipe's resolution and rate of dropped paths. A shared
 * relative position bias becomes one per block, as the released fine-tuning code has it.
 */
export function recipeFor(recipe: FinetuneRecipe, { config }: Pretrained): FinetuneRecipe {
  const { imageSize, dropPathRate } = recipe.model;
  const { useSharedRelPosBias = false, useRelPosBias = false } = config;
  const model = {
    ...config,
    imageSize,
    dropPathRate,
    useRelPosBias: useRelPosBias || useSharedRelPosBias,
    useSharedRelPosBias: false,
  };
  return { ...recipe, model };
}

export interface Start {
  readonly params: NamedTensors;
  /** What was not taken from the checkpoint, or not needed of it, for people. */
  readonly notes: readonly string[];
}

/** Names that a pre-trained encoder does not have, or that are not for a classifier. */
const isHead = (name: string) => /^(head|fc_norm|norm)\./.test(name);
const isPretraining = (name: string) => /^(lm_head|norm|fc_norm|head)\.|^mask_token$/.test(name);

/**
 * What fine-tuning begins with: the checkpoint's encoder, brought to the recipe's resolution, and a new head. A head for
 * as many classes is taken over.
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
  const isSame = (name: string) => String(tensors[name]?.shape) === String(initial[name]!.shape);
  const describe = (name: string) =>
    tensors[name]
      ? `'${name}' is [${tensors[name].shape}], expected [${initial[name]!.shape}]`
      : `'${name}' is missing`;
  const unfit = Object.keys(initial).filter((name) => !isSame(name));
  const fatal = unfit.filter((name) => !isHead(name));
  if (fatal.length > 0) {
    throw new Error(
      `${pretrained.path} is no checkpoint of this model: ${fatal.slice(0, 8).map(describe).join('; ')}` +
        `${fatal.length > 8 ? `; and ${fatal.length - 8} more` : ''}.`,
    );
  }
  const extra = Object.keys(tensors).filter((name) => !(name in initial));
  const unknown = extra.filter((name) => !isPretraining(name));
  return {
    params: Object.fromEntries(
      Object.entries(initial).map(([name, own]) => [name, isSame(name) ? tensors[name]! : own]),
    ),
    notes: [
      ...(unfit.length > 0 ? [`New in the classifier: ${unfit.join(', ')}.`] : []),
      ...(unknown.length > 0 ? [`Not used of the checkpoint: ${unknown.join(', ')}.`] : []),
    ],
  };
}
