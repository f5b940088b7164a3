import type { TwoViewOptions } from '@beit/data';
import type { PretrainRecipe } from './recipe';

/** The centre of each image, unchanged: for evaluation. */
export const plainViews = ({ views, mim }: PretrainRecipe): TwoViewOptions => ({
  imageSize: mim.model.imageSize,
  tokenImageSize: views.tokenImageSize,
  normalization: views.normalization,
  background: views.background,
});

/** Two views of one random crop: for training. */
export const trainingViews = (recipe: PretrainRecipe): TwoViewOptions => {
  const { crop, colorJitter, flip } = recipe.views;
  return { ...plainViews(recipe), augmentation: { crop, colorJitter, flip } };
};
