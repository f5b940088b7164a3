import { classCounts, imbalance } from '@beit/classification';
import { folderIndexes, folderNotes, shardsAt, UsageError } from '@beit/cli';
import {
  classFolder,
  classFolderPart,
  type Emoji,
  emojiCatalog,
  emojiDataset,
  type ImageSource,
  isSkinToned,
  missingClasses,
  type OpenedShards,
  type Part,
  type ShardPart,
  subset,
} from '@beit/data';
import { createRandom } from '@beit/random';
import type { FinetuneRecipe } from './recipe';

/** Images, and of each an index into the classes. */
export interface Labelled {
  readonly source: ImageSource;
  readonly labels: Int32Array;
}

export interface Dataset {
  readonly classes: readonly string[];
  /** Whether they are names; shards may have numbers alone. */
  readonly named: boolean;
  readonly train: Labelled;
  readonly validation: Labelled;
  /** What people should know of the files: sentences. */
  readonly notes: readonly string[];
  /** What an image shows, for people; its name where nothing better is known. */
  title(name: string): string;
}

/** What a classifier is measured on. */
export interface MeasuredImages extends Pick<Dataset, 'classes' | 'named' | 'notes'> {
  readonly images: Labelled;
  /** Which images of the data set they are, for people. */
  readonly about: string;
}

/** The images of a recipe: the embedded emoji, or those at `location`. */
export async function loadDataset(
  { data, seed }: Pick<FinetuneRecipe, 'data' | 'seed'>,
  location: string | undefined,
): Promise<Dataset> {
  if (data.kind === 'emoji') return emojiClasses(data);
  const shards = await shardsAt(location!, data);
  if (shards) return shardClasses(shards, location!);
  const { passedOver, ...folder } = await classFolder(location!, { seed, indexes: folderIndexes() });
  const missing = missingClasses(folder.classes, folder.validation);
  const notes = [
    ...(await folderNotes(folder.train.source, passedOver)),
    ...(missing.length > 0 ? [`There is nothing to validate with of ${missing.join(', ')}.`] : []),
  ];
  return { ...folder, named: true, notes, title: (name) => name };
}

/**
 * Images to measure on: of a folder without parts all of them, otherwise those for validation; or the part that is asked
 * for, of which `validation` is what training holds out where the folder has no parts.
 *
 * @throws where there is no such part
 */
export async function loadMeasured(
  recipe: Pick<FinetuneRecipe, 'data' | 'seed'>,
  location: string | undefined,
  part: Part | 'all' | undefined,
): Promise<MeasuredImages> {
  const { data, seed } = recipe;
  if (data.kind === 'folder' && !(await shardsAt(location!, data))) {
    const options = { part, seed, indexes: folderIndexes() };
    const { passedOver, ...found } = await classFolderPart(location!, options);
    return { ...found, named: true, notes: await folderNotes(found.images.source, passedOver) };
  }
  if (part === 'test' || part === 'all')
    throw new UsageError(`--part is '${part}', which is for folders of images; expected train or val.`);
  const { classes, named, notes, train, validation } = await loadDataset(recipe, location);
  return part === 'train'
    ? { classes, named, notes, images: train, about: 'images for training' }
    : { classes, named, notes, images: validation, about: 'images for validation' };
}

/** @throws when they do not say the class of every image, or have nothing to validate with */
function shardClasses({ classes: named, train, validation }: OpenedShards, location: string): Dataset {
  if (!validation) {
    throw new Error(
      `'${location}' has no shards for validation, by their names; expected e.g. val-000000.tar beside train-000000.tar.`,
    );
  }
  const labelled = ({ source, labels }: ShardPart): Labelled => {
    if (!labels) {
      throw new Error(
        `'${source.shards[0]!.location}' and the shards with it do not say the class of every image; expected a .cls file for each, or a column of classes.`,
      );
    }
    return { source, labels };
  };
  const parts = { train: labelled(train), validation: labelled(validation) };
  const all = [parts.train.labels, parts.validation.labels];
  const [least, most] = [Math.min, Math.max].map((of) =>
    of(...all.map((labels) => labels.reduce((a, b) => of(a, b)))),
  );
  const classes = named ?? Array.from({ length: most! + 1 }, (_, label) => String(label));
  if (least! < 0 || most! >= classes.length) {
    throw new Error(
      `The shards at '${location}' have classes from ${least} to ${most}; expected 0 to ${classes.length - 1}.`,
    );
  }
  return { classes, named: named !== undefined, ...parts, notes: [], title: (name) => name };
}

/** Subgroups as classes. One render for each emoji: its skin tones would be near-duplicates. */
async function emojiClasses({
  size,
  imagesPerClass: [fewest, most],
  heldOutShare,
}: Extract<FinetuneRecipe['data'], { kind: 'emoji' }>): Promise<Dataset> {
  const byClass = new Map<string, Map<string, Emoji>>();
  for (const emoji of await emojiCatalog()) {
    if (isSkinToned(emoji) || emoji.subgroup === 'other') continue;
    const own = byClass.get(emoji.subgroup) ?? new Map<string, Emoji>();
    byClass.set(emoji.subgroup, own);
    if (!own.has(emoji.base)) own.set(emoji.base, emoji);
  }
  const classes = [...byClass].flatMap(([name, own]) => (own.size >= fewest ? [name] : [])).sort();
  const ids = new Set(
    classes.flatMap((name) => {
      const own = [...byClass.get(name)!.values()];
      const order = createRandom('emoji of class', name).permutation(own.length);
      return [...order.slice(0, most)].map((i) => own[i]!.id);
    }),
  );
  const labelOf = new Map(classes.map((name, label) => [name, label]));

  const part = async (split: 'train' | 'heldOut') => {
    const { source, emoji } = await emojiDataset({
      split,
      size,
      heldOutShare,
      select: ({ id }) => ids.has(id),
    });
    const labels = Int32Array.from(emoji, ({ subgroup }) => labelOf.get(subgroup)!);
    return { source, emoji, labels };
  };
  const [train, validation] = [await part('train'), await part('heldOut')];
  const titles = new Map([...train.emoji, ...validation.emoji].map(({ id, name }) => [id, name]));
  return { classes, named: true, train, validation, notes: [], title: (name) => titles.get(name) ?? name };
}

/** A share of each class's images, at least one, drawn by their names; the larger share holds the smaller one's. */
export function labelledShare({ source, labels }: Labelled, share: number, seed: number): Labelled {
  if (share === 1) return { source, labels };
  const byClass = new Map<number, number[]>();
  labels.forEach((label, index) => {
    const own = byClass.get(label);
    if (own) own.push(index);
    else byClass.set(label, [index]);
  });
  const kept = [...byClass]
    .flatMap(([label, own]) => {
      const order = createRandom(seed, 'labels', label).permutation(own.length);
      return [...order].slice(0, Math.max(1, Math.round(share * own.length))).map((i) => own[i]!);
    })
    .sort((a, b) => a - b);
  return { source: subset(source, kept), labels: Int32Array.from(kept, (index) => labels[index]!) };
}

/** The images in turn, again and again, up to `count`. */
export function repeated({ source, labels }: Labelled, count: number): Labelled {
  if (count === labels.length) return { source, labels };
  const indices = Array.from({ length: count }, (_, i) => i % labels.length);
  return { source: subset(source, indices), labels: Int32Array.from(indices, (index) => labels[index]!) };
}

/** So many times the images of the smallest class. */
const UNEQUAL = 10;

/** For people: how many images and classes, and how unequal the classes are. */
export function describeDataset({ classes, train, validation }: Dataset): string {
  const counts = classCounts(train.labels, classes.length);
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  const example = (count: number) => `${count} (${classes[counts.indexOf(count)]})`;
  const unequal = imbalance(counts).ratio >= UNEQUAL;
  return (
    `${train.labels.length} images of ${classes.length} classes to train on, ${validation.labels.length} to validate. ` +
    (fewest === most
      ? `${fewest} of each class.`
      : `From ${example(fewest)} to ${example(most)} of a class${unequal ? ': very unequal, so look at the mean over classes too' : ''}.`)
  );
}
