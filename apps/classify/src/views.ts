import type { TwoViewOptions } from '@beit/data';
import type { ClassifierViews } from '@beit/schemas';
import type { VitConfig } from '@beit/vit';
import type { FinetuneRecipe } from './recipe';

/** The centre of each image: for evaluation. */
export const plainView = ({
  model,
  views,
}: {
  readonly model: VitConfig;
  readonly views: ClassifierViews;
}): TwoViewOptions => ({
  imageSize: model.imageSize,
  tokenImageSize: 0,
  normalization: views.normalization,
  // A transparent image has no background of its own; the same one each time.
  background: 'white',
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
