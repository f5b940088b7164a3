import type { TwoViewOptions } from '@beit/data';
import type { PretrainRecipe } from './recipe';

/**
 * The centre of each image, unchanged: for evaluation. Without a tokenizer its view is of use still: it tells where the
 * object is.
 */
export const plainViews = ({ views, mim }: PretrainRecipe): TwoViewOptions => ({
  imageSize: mim.model.imageSize,
  tokenImageSize: mim.target === 'tokens' ? views.tokenImageSize : mim.model.imageSize,
  normalization: views.normalization,
  background: views.background,
});

/** Two views of one random crop: for training. Without a tokenizer, one. */
export const trainingViews = (recipe: PretrainRecipe): TwoViewOptions => {
  const { crop, colorJitter, flip } = recipe.views;
  const views = plainViews(recipe);
  return {
    ...views,
    tokenImageSize: recipe.mim.target === 'tokens' ? views.tokenImageSize : 0,
    augmentation: { crop, colorJitter, flip },
  };
};
