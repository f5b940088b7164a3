import { imbalance } from '@beit/classification';
import { folderIndexes, folderNotes, shardsAt, UsageError } from '@beit/cli';
import {
  classFolder,
  classFolderPart,
  type Emoji,
  emojiCatalog,
  emojiDataset,
  type HeldOutOptions,
  heldOutNames,
  isSkinToned,
  type LabelFileOptions,
  type LabelledImages,
  labelFile,
  labelFilePart,
  missingClasses,
  type OpenedShards,
  type Part,
  rarestLabels,
  type ShardPart,
  subset,
} from '@beit/data';
import { createRandom } from '@beit/random';
import { distinct, namesFor, readClassNames } from './classNames';
import { chosenLabels, countsOf, type Labelled } from './labels';
import type { FinetuneRecipe } from './recipe';

export interface Dataset {
  readonly classes: readonly string[];
  /** Whether they are names; shards and files of labels may have numbers alone, which stand for them. */
  readonly named: boolean;
  /** Whether any number of the classes may be in an image; else there is one. */
  readonly multiLabel: boolean;
  /** Of the file of labels, where there is one: another is not the same data set. */
  readonly labelsDigest?: string;
  readonly train: Labelled;
  readonly validation: Labelled;
  /** What people should know of the files: sentences. */
  readonly notes: readonly string[];
  /** What an image shows, for people; its name where nothing better is known. */
  title(name: string): string;
}

/** What a classifier is measured on. */
export interface MeasuredImages extends Pick<Dataset, 'classes' | 'named' | 'multiLabel' | 'notes'> {
  readonly images: Labelled;
  /** What the classes are where their order is all that is known of them. */
  readonly order?: string;
  /** Which images of the data set they are, for people. */
  readonly about: string;
}

/** Where the labels of pictures stand. */
export type LabelsFrom = Pick<LabelFileOptions, 'labels' | 'validationLabels' | 'divider' | 'multiLabel'>;

/**
 * The images of a recipe: the embedded emoji, or those at `location`, where a file may have their labels.
 *
 * @param classNames for labels that are numbers, or in the order of the classes; see `readClassNames`
 */
export async function loadDataset(
  { data, seed }: Pick<FinetuneRecipe, 'data' | 'seed'>,
  location: string | undefined,
  from?: LabelsFrom,
  classNames?: string,
): Promise<Dataset> {
  if (data.kind === 'emoji') return emojiClasses(data);
  const shards = await shardsAt(location!, data);
  const held = heldOutOf(data, seed);
  if (shards) {
    assertNoLabels(from, location!);
    return shardClasses(shards, location!, held);
  }
  if (from) return fileClasses(location!, from, held, classNames);
  const { passedOver, ...folder } = await classFolder(location!, { ...held, indexes: folderIndexes() });
  const missing = missingClasses(folder.classes, folder.validation);
  const notes = [
    ...(await folderNotes(folder.train.source, passedOver)),
    ...(missing.length > 0 ? [`There is nothing to validate with of ${missing.join(', ')}.`] : []),
  ];
  return { ...folder, named: true, multiLabel: false, notes, title: (name) => name };
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
  from?: LabelsFrom,
): Promise<MeasuredImages> {
  const { data, seed } = recipe;
  const shards = data.kind === 'folder' ? await shardsAt(location!, data) : undefined;
  if (data.kind === 'folder' && !shards) {
    const options = { part, ...heldOutOf(data, seed), indexes: folderIndexes() };
    if (from) {
      const { passedOver, images, notes, ...found } = await labelFilePart(location!, { ...options, ...from });
      return {
        ...found,
        images: labelledAs(found.multiLabel, images),
        notes: [...notes, ...(await folderNotes(images.source, passedOver))],
        order: 'of the labels',
      };
    }
    const { passedOver, ...found } = await classFolderPart(location!, options);
    const notes = await folderNotes(found.images.source, passedOver);
    return { ...found, named: true, multiLabel: false, notes };
  }
  if (location !== undefined) assertNoLabels(from, location);
  if (part === 'all')
    throw new UsageError(`--part is 'all', which is for folders of images; expected train, val or test.`);
  const dataset = await loadDataset(recipe, location);
  const { classes, named, multiLabel, notes, train, validation } = dataset;
  const known = { classes, named, multiLabel, notes };
  if (part === 'train') return { ...known, images: train, about: 'images for training' };
  if (part !== 'test') return { ...known, images: validation, about: 'images for validation' };
  if (!shards?.test)
    throw new UsageError(
      `--part is 'test', and ${location === undefined ? 'the embedded emoji have' : `'${location}' has`} none; expected train or val.`,
    );
  const images = labelledShards(shards.test, location!);
  assertClasses(images.labels, classes, location!);
  return { ...known, images, about: 'images for testing' };
}

/** What is held out where there is no part to validate on. */
const heldOutOf = (
  { heldOutShare }: Extract<FinetuneRecipe['data'], { kind: 'folder' }>,
  seed: number,
): HeldOutOptions => ({ seed, ...(heldOutShare !== undefined && { validationShare: heldOutShare }) });

/** @throws UsageError where shards have labels of their own */
function assertNoLabels(from: LabelsFrom | undefined, location: string): void {
  if (from)
    throw new UsageError(`--labels is for folders of images; the shards at '${location}' have their own.`);
}

/** One label of each image is all that is kept where there is one. */
const labelledAs = (multiLabel: boolean, { source, labels }: LabelledImages): Labelled => ({
  source,
  labels: multiLabel ? labels : Int32Array.from(labels, ([label]) => label!),
});

/** Pictures whose labels stand in a file. */
async function fileClasses(
  location: string,
  from: LabelsFrom,
  held: HeldOutOptions,
  namesFrom: string | undefined,
): Promise<Dataset> {
  const names = namesFrom === undefined ? undefined : await readClassNames(namesFrom);
  const classNames = names && distinct(namesFor(names, names.length, from.labels));
  const options = { ...from, ...held, indexes: folderIndexes(), ...(classNames && { classNames }) };
  const { train, validation, digest, notes, passedOver, ...found } = await labelFile(location, options);
  const { classes, named, multiLabel } = found;
  const dataset = {
    ...found,
    train: labelledAs(multiLabel, train),
    validation: labelledAs(multiLabel, validation),
  };
  const without = ({ labels }: Labelled) => {
    const counts = countsOf(labels, classes.length);
    return classes.filter((_, label) => counts[label] === 0);
  };
  const [untrained, unmeasured] = [without(dataset.train), without(dataset.validation)];
  return {
    ...dataset,
    labelsDigest: digest,
    notes: [
      ...notes,
      multiLabel
        ? 'Any number of labels may be of a picture: each class is there or not. (--problem single: one of each.)'
        : 'One label is of each picture: they are told apart. (--problem multi: each class is there or not.)',
      ...(named
        ? []
        : [
            `Labels are numbers, and stay so: '${classes[0]}' to '${classes.at(-1)}'. (--class-names FILE gives names.)`,
          ]),
      ...(await folderNotes(train.source, passedOver)),
      ...(untrained.length > 0 ? [`There is no image for training of ${untrained.join(', ')}.`] : []),
      ...(unmeasured.length > 0 ? [`There is nothing to validate with of ${unmeasured.join(', ')}.`] : []),
    ],
    title: (name) => name,
  };
}

/** @throws when they do not say the class of every image, or have nothing to validate with */
function shardClasses(
  { classes: named, ...parts }: OpenedShards,
  location: string,
  held: HeldOutOptions,
): Dataset {
  const [train, validation] = dividedShards(parts, location, held);
  const most = [train, validation].reduce(
    (most, { labels }) => labels.reduce((a, b) => Math.max(a, b), most),
    0,
  );
  const classes = named ?? Array.from({ length: most + 1 }, (_, label) => String(label));
  for (const { labels } of [train, validation]) assertClasses(labels, classes, location);
  const title = (name: string) => name;
  return { classes, named: named !== undefined, multiLabel: false, train, validation, notes: [], title };
}

/** Images to train on and to validate on: where no shards are for that, a share that is asked for is held out. */
function dividedShards(
  { train, validation, test }: Omit<OpenedShards, 'classes'>,
  location: string,
  held: HeldOutOptions,
): [LabelledClasses, LabelledClasses] {
  const whole = labelledShards(train, location);
  if (!validation && held.validationShare !== undefined) {
    const indices = Array.from(whole.labels, (_, i) => i);
    const isHeldOut = heldOutNames(indices.map(String), Array.from(whole.labels, String), held);
    const some = (chosen: readonly number[]): LabelledClasses => ({
      source: subset(whole.source, chosen),
      labels: Int32Array.from(chosen, (i) => whole.labels[i]!),
    });
    return [
      some(indices.filter((i) => !isHeldOut(String(i)))),
      some(indices.filter((i) => isHeldOut(String(i)))),
    ];
  }
  const measured = validation ?? test;
  if (!measured)
    throw new Error(
      `'${location}' has no shards for validation, by their names; expected e.g. val-000000.tar beside train-000000.tar.`,
    );
  return [whole, labelledShards(measured, location)];
}

/** Images of one label each. */
type LabelledClasses = Labelled & { readonly labels: Int32Array };

/** @throws when the shards do not say the class of every image */
function labelledShards({ source, labels }: ShardPart, location: string): LabelledClasses {
  if (!labels) {
    throw new Error(
      `'${source.shards[0]!.location}' and the shards with it at '${location}' do not say the class of every image; expected a .cls file for each, or a column of classes.`,
    );
  }
  return { source, labels };
}

/** @throws when a label is of no class */
function assertClasses(labels: Int32Array, classes: readonly string[], location: string): void {
  const wrong = labels.find((label) => label < 0 || label >= classes.length);
  if (wrong !== undefined)
    throw new Error(
      `The shards at '${location}' have a class ${wrong}; expected 0 to ${classes.length - 1}.`,
    );
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
  const title = (name: string) => titles.get(name) ?? name;
  return { classes, named: true, multiLabel: false, train, validation, notes: [], title };
}

/**
 * A share of each class's images, at least one, drawn by their names; the larger share holds the smaller one's. Of images
 * with several labels, a share of those with the same rarest class.
 */
export function labelledShare({ source, labels }: Labelled, share: number, seed: number): Labelled {
  if (share === 1) return { source, labels };
  const byClass = new Map<number, number[]>();
  for (const [index, label] of (labels instanceof Int32Array ? labels : rarestLabels(labels)).entries()) {
    const own = byClass.get(label);
    if (own) own.push(index);
    else byClass.set(label, [index]);
  }
  const kept = [...byClass]
    .flatMap(([label, own]) => {
      const order = createRandom(seed, 'labels', label).permutation(own.length);
      return [...order].slice(0, Math.max(1, Math.round(share * own.length))).map((i) => own[i]!);
    })
    .sort((a, b) => a - b);
  return { source: subset(source, kept), labels: chosenLabels(labels, kept) };
}

/** The images in turn, again and again, up to `count`. */
export function repeated({ source, labels }: Labelled, count: number): Labelled {
  if (count === labels.length) return { source, labels };
  const indices = Array.from({ length: count }, (_, i) => i % labels.length);
  return { source: subset(source, indices), labels: chosenLabels(labels, indices) };
}

/** So many times the images of the smallest class. */
const UNEQUAL = 10;

/** For people: how many images and classes, and how unequal the classes are. */
export function describeDataset({ classes, multiLabel, train, validation }: Dataset): string {
  const counts = countsOf(train.labels, classes.length);
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  const example = (count: number) => `${count} (${classes[counts.indexOf(count)]})`;
  const unequal = !multiLabel && imbalance(counts).ratio >= UNEQUAL;
  return (
    `${train.labels.length} images of ${classes.length} classes to train on, ${validation.labels.length} to validate. ` +
    (fewest === most
      ? `${fewest} of each class.`
      : `From ${example(fewest)} to ${example(most)} of a class${unequal ? ': very unequal, so look at the mean over classes too' : ''}.`)
  );
}
