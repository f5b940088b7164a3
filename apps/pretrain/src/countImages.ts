import { emojiDataset } from '@beit/data';
import { loadImages } from './images';
import type { PretrainRecipe } from './recipe';

const IMAGENET_TRAIN = 1_281_167;

/** Images of an epoch: at a location, of the embedded set, or, where a recipe needs a folder and has none, ImageNet-1k's. */
export async function countImages(recipe: PretrainRecipe, location: string | undefined): Promise<number> {
  const { data } = recipe;
  if (location !== undefined) return (await loadImages(recipe, location)).train.names.length;
  if (data.kind === 'folder') return IMAGENET_TRAIN;
  const { heldOutShare } = data;
  return (await emojiDataset({ split: 'train', size: 8, heldOutShare })).source.names.length;
}
