import type { TwoViewOptions } from '@beit/data';
import { imageSides } from '@beit/tensors';
import type { VitConfig } from '@beit/vit';
import { centerFraming, channelsOf, type Framing, type Preprocessing } from '@beit/weights';
import type { FinetuneRecipe } from './recipe';

/** What is done to pictures before a model sees them, as its file says: for evaluation and prediction. */
export const plainView = (model: VitConfig, { framing, normalization }: Preprocessing): TwoViewOptions => ({
  imageSize: model.imageSize,
  tokenImageSize: 0,
  normalization,
  framing,
});

/** What a recipe does to pictures in evaluation. */
export const preprocessingOf = ({
  model: { imageSize },
  views: { normalization, cropShare },
}: Pick<FinetuneRecipe, 'model' | 'views'>): Preprocessing => ({
  framing: centerFraming({ imageSize, cropShare }),
  normalization,
});

/** Of a model whose file does not say it: as the official code evaluates the released ones. */
export const releasedFraming = ({ imageSize }: VitConfig): Framing =>
  centerFraming({ imageSize, cropShare: Math.max(...imageSides(imageSize)) < 384 ? 224 / 256 : 1 });

/** `[batch, height, width, channels]` of a view. */
export const shapeOf = (
  { imageSize, normalization }: TwoViewOptions,
  batchSize: number,
): [number, number, number, number] => [batchSize, ...imageSides(imageSize), channelsOf(normalization)];

/** A random crop, augmented: for training. */
export const trainingView = (recipe: FinetuneRecipe): TwoViewOptions => ({
  imageSize: recipe.model.imageSize,
  tokenImageSize: 0,
  normalization: recipe.views.normalization,
  background: recipe.views.background,
  augmentation: recipe.views.augmentation,
});
