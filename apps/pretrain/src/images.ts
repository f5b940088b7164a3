import {
  type EmojiOptions,
  emojiDataset,
  type FolderSource,
  type ImageSource,
  imageFolder,
} from '@beit/data';
import { createRandom } from '@beit/random';
import type { PretrainRecipe } from './recipe';

/** What is trained on, and what is held out for evaluation: disjoint, fixed by name. */
export interface Images {
  readonly train: ImageSource;
  readonly heldOut: ImageSource;
  /** What a held-out image shows, for people; its name where nothing better is known. */
  title(name: string): string;
}

/** Of a folder of one's own, one image in twenty is held out, of a large one about so many: enough to measure on. */
const HELD_OUT_SHARE = 0.05;
const MOST_HELD_OUT = 500;

export async function loadImages(
  recipe: PretrainRecipe,
  directory: string | undefined,
  onProgress?: EmojiOptions['onProgress'],
): Promise<Images> {
  if (recipe.data.kind === 'emoji') {
    const { size, heldOutShare } = recipe.data;
    const train = await emojiDataset({ split: 'train', heldOutShare, size, onProgress });
    const heldOut = await emojiDataset({ split: 'heldOut', heldOutShare, size });
    const titles = new Map(heldOut.emoji.map(({ id, name }) => [id, name]));
    return { train: train.source, heldOut: heldOut.source, title: (name) => titles.get(name) ?? name };
  }
  const all = await imageFolder(directory!);
  const share = Math.min(HELD_OUT_SHARE, MOST_HELD_OUT / all.names.length);
  const isHeldOut = (name: string) => createRandom('held out', name).uniform() < share;
  const part = (heldOut: boolean): FolderSource => ({
    ...all,
    names: all.names.filter((name) => isHeldOut(name) === heldOut),
  });
  const images: Images = { train: part(false), heldOut: part(true), title: (name) => name };
  if (images.heldOut.names.length === 0 || images.train.names.length === 0) {
    throw new Error(
      `'${directory}' holds ${all.names.length} images: too few to hold one in twenty out for evaluation.`,
    );
  }
  return images;
}
