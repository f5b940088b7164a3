import { emojiDataset, imageFolder } from '@beit/data';
import type { PretrainRecipe } from './recipe';

const IMAGENET_TRAIN = 1_281_167;

/** Images of an epoch: of a folder, of the embedded set, or, where a recipe needs a folder and has none, ImageNet-1k's. */
export async function countImages({ data }: PretrainRecipe, directory: string | undefined): Promise<number> {
  if (directory !== undefined) return (await imageFolder(directory)).names.length;
  if (data.kind === 'folder') return IMAGENET_TRAIN;
  const { heldOutShare } = data;
  return (await emojiDataset({ split: 'train', size: 8, heldOutShare })).source.names.length;
}
