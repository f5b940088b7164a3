import { modelOf, normalizationFor, type Pretrained } from '@beit/cli';
import type { FinetuneRecipe } from './recipe';

/** The recipe with the architecture and the normalization of a checkpoint. */
export function recipeFor(
  recipe: FinetuneRecipe,
  pretrained: Pick<Pretrained, 'config' | 'normalization'>,
): FinetuneRecipe {
  const { normalization } = normalizationFor(recipe.views.normalization, pretrained);
  return { ...recipe, model: modelOf(recipe.model, pretrained), views: { ...recipe.views, normalization } };
}
