import { folderIndexes, folderNotes, shardsAt } from '@beit/cli';
import {
  compactNames,
  type EmojiOptions,
  emojiDataset,
  type FolderSource,
  type ImageSource,
  imageFolder,
  type OpenedShards,
  partCalled,
  subset,
} from '@beit/data';
import { createRandom } from '@beit/random';
import type { PretrainRecipe } from './recipe';

/** What is trained on, and what is held out for evaluation: disjoint, fixed by name. */
export interface Images {
  readonly train: ImageSource;
  readonly heldOut: ImageSource;
  /** What people should know of the files: sentences. */
  readonly notes: readonly string[];
  /** What a held-out image shows, for people; its name where nothing better is known. */
  title(name: string): string;
}

/** One image in twenty of a folder of the user's own is held out, of a large one about so many: enough to measure on. */
const HELD_OUT_SHARE = 0.05;
const MOST_HELD_OUT = 500;

export async function loadImages(
  recipe: PretrainRecipe,
  location: string | undefined,
  onProgress?: EmojiOptions['onProgress'],
): Promise<Images> {
  if (recipe.data.kind === 'emoji') {
    const { size, heldOutShare } = recipe.data;
    const train = await emojiDataset({ split: 'train', heldOutShare, size, onProgress });
    const heldOut = await emojiDataset({ split: 'heldOut', heldOutShare, size });
    const titles = new Map(heldOut.emoji.map(({ id, name }) => [id, name]));
    return {
      train: train.source,
      heldOut: heldOut.source,
      notes: [],
      title: (name) => titles.get(name) ?? name,
    };
  }
  const shards = await shardsAt(location!, recipe.data);
  if (shards) return shardImages(shards);
  const { passedOver, ...all } = await imageFolder(location!, { indexes: folderIndexes() });
  const { names, unseen } = namesToTrainOn([...all.names]);
  const share = Math.min(HELD_OUT_SHARE, MOST_HELD_OUT / names.length);
  const isHeldOut = (name: string) => createRandom('held out', name).uniform() < share;
  const part = (heldOut: boolean): FolderSource => ({
    ...all,
    names: compactNames(names.filter((name) => isHeldOut(name) === heldOut)),
  });
  const images: Images = {
    train: part(false),
    heldOut: part(true),
    notes: [...unseen, ...(await folderNotes(all, passedOver))],
    title: (name) => name,
  };
  if (images.heldOut.names.length === 0 || images.train.names.length === 0) {
    throw new Error(
      `'${location}' holds ${names.length} images: too few to hold one in twenty out for evaluation.`,
    );
  }
  return images;
}

/** Of a folder of parts those for training alone: what a classifier is measured on later stays unseen. */
function namesToTrainOn(names: readonly string[]): {
  readonly names: readonly string[];
  /** What is not trained on, for people. */
  readonly unseen: readonly string[];
} {
  const topOf = (name: string) => (name.includes('/') ? name.slice(0, name.indexOf('/')) : '');
  const tops = [...new Set(names.map(topOf))];
  const training = tops.filter((top) => partCalled(top) === 'train');
  if (training.length === 0 || !tops.every(partCalled)) return { names, unseen: [] };
  const chosen = names.filter((name) => partCalled(topOf(name)) === 'train');
  const others = tops.filter((top) => partCalled(top) !== 'train');
  if (others.length === 0) return { names, unseen: [] };
  const left = others.map((top) => `'${top}'`).join(' and ');
  return {
    names: chosen,
    unseen: [
      `Trained on '${training.join("', '")}'; the ${names.length - chosen.length} images of ${left} stay unseen.`,
    ],
  };
}

/** Held out are the first images for validation, or the last ones: few shards have them. */
function shardImages({ train, test, validation = test }: OpenedShards): Images {
  const range = (first: number, end: number) => Array.from({ length: end - first }, (_, i) => first + i);
  const title = (name: string) => name;
  if (validation) {
    const { source } = validation;
    const heldOut = subset(source, range(0, Math.min(source.names.length, MOST_HELD_OUT)));
    return { train: train.source, heldOut, notes: [], title };
  }
  const { source } = train;
  const { length } = source.names;
  const end = length - Math.min(MOST_HELD_OUT, Math.ceil(HELD_OUT_SHARE * length));
  if (end === 0) throw new Error(`The shards hold ${length} images: too few to hold one out for evaluation.`);
  return {
    train: subset(source, range(0, end)),
    heldOut: subset(source, range(end, length)),
    notes: [],
    title,
  };
}
