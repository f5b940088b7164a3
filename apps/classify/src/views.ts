import type { TwoViewOptions } from '@beit/data';
import type { FinetuneRecipe } from './recipe';

/** The centre of each image: for evaluation. */
export const plainView = ({ model, views }: Pick<FinetuneRecipe, 'model' | 'views'>): TwoViewOptions => ({
  imageSize: model.imageSize,
  tokenImageSize: 0,
  normalization: views.normalization,
  background: views.background === 'pastel' ? 'white' : views.background,
  cropShare: views.cropShare,
});

/** A random crop, augmented: for training. */
export const trainingView = (recipe: FinetuneRecipe): TwoViewOptions => ({
  imageSize: recipe.model.imageSize,
  tokenImageSize: 0,
  normalization: recipe.views.normalization,
  background: recipe.views.background,
  augmentation: recipe.views.augmentation,
});
