import { createRandom, type Random } from '@beit/random';
import type { ImageSource } from '../sources/source';
import { type TwoViewOptions, type TwoViews, twoViews } from '../views/twoViews';
import { withCanvas } from './withCanvas';

/**
 * The views of one image; a loader makes batches of many.
 *
 * @param random of the augmentation and of a random background
 * @throws what `readPixels` throws when the image is missing, no image, or too large
 */
export const loadViews = (
  source: ImageSource,
  index: number,
  views: TwoViewOptions,
  random: Random = createRandom(0),
): Promise<TwoViews> => withCanvas(source, index, (canvas) => twoViews(canvas, views, random));
