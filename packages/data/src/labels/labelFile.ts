import { type Part, partCalled } from '../sources/folderParts';
import { type HeldOutOptions, heldOutNames } from '../sources/heldOutNames';
import type { PassedOver } from '../sources/imageExtensions';
import { type ImageFolderOptions, imageFolder } from '../sources/imageFolder';
import { compactNames } from '../sources/names';
import type { FolderSource } from '../sources/source';
import { type FoundPicture, findPictures } from './findPictures';
import { failIn, listed, shown } from './labelTable';
import { type LabelSets, rarestLabels } from './rarestLabels';
import { type LabelsFile, type ReadLabelsOptions, readLabels } from './readLabels';

/** Images with any number of classes each. */
export interface LabelledImages {
  readonly source: FolderSource;
  readonly labels: LabelSets;
}

interface LabelledByFile {
  /** As the file lists them, else sorted: numbers by value, names as strings. */
  readonly classes: readonly string[];
  /** Whether they are names; else all are whole numbers. */
  readonly named: boolean;
  /** Whether any number of classes may be in an image; else every image has one. */
  readonly multiLabel: boolean;
  /** SHA-256 of the files' bytes. */
  readonly digest: string;
  /** How they were read, for people: sentences. */
  readonly notes: readonly string[];
  readonly passedOver: PassedOver;
}

export interface LabelFile extends LabelledByFile {
  readonly train: LabelledImages;
  /** The part for it, or that for testing where there is no other. */
  readonly validation: LabelledImages;
}

export interface LabelFilePart extends LabelledByFile {
  readonly images: LabelledImages;
  /** Which of the pictures they are, for people. */
  readonly about: string;
}

export interface LabelFileOptions extends ImageFolderOptions, ReadLabelsOptions {
  /** Path of the file; see `readLabels`. */
  readonly labels: string;
  /** That of the pictures for validation: then `labels` is of those for training. */
  readonly validationLabels?: string;
  /** Whether pictures have one label, or any number. Default: one, where every picture of the files has one. */
  readonly multiLabel?: boolean;
  /** Names of the classes: by number where labels are numbers, else all that labels may be, in their order. */
  readonly classNames?: readonly string[];
}

/**
 * Pictures of a folder with the labels that a file gives them. Parts are what a column `split` says, the two files, or the
 * first folders of the pictures' paths where all are called as `folderParts` knows them. Without any, a seeded share of each
 * class is held out, the same pictures as `classFolder` holds out; of pictures with any number of labels, a share of those
 * with the same rarest class.
 *
 * @throws when a file cannot be read, names a picture that is not there, or says what cannot be: with line and value
 */
export async function labelFile(
  directory: string,
  options: LabelFileOptions & HeldOutOptions,
): Promise<LabelFile> {
  const { parts, pictures, some, ...read } = await readLabelled(directory, options);
  const { labels: file } = options;
  const heldOut = parts.has('validation') ? 'validation' : 'test';
  const isHeldOut =
    parts.size > 0 ? ({ part }: Picture) => part === heldOut : isDrawn(pictures, read, options);
  const train = some((picture) => (parts.size > 0 ? picture.part === 'train' : !isHeldOut(picture)));
  const validation = some(isHeldOut);
  for (const [images, to] of [
    [train, 'train on'],
    [validation, 'validate with'],
  ] as const)
    if (images.labels.every((own) => own.length === 0))
      throw new Error(`${file} has no picture with a label to ${to}.`);
  const present = new Set(train.labels.flat());
  const missing = read.classes.filter((_, label) => !present.has(label));
  if (missing.length > 0 && !read.multiLabel)
    throw new Error(`There is no image for training of ${listed(missing)}.`);
  return { ...read, train, validation };
}

/**
 * Some of the pictures, to measure a classifier on.
 *
 * @param options.part default: `validation`, or `test` where there is none; all where there are no parts, of which
 *   `validation` is what `labelFile` holds out
 * @throws as `labelFile`, and when there is no such part
 */
export async function labelFilePart(
  directory: string,
  { part, ...options }: LabelFileOptions & HeldOutOptions & { readonly part?: Part | 'all' },
): Promise<LabelFilePart> {
  const { parts, pictures, some, ...read } = await readLabelled(directory, options);
  const chosen = (about: string, isChosen: (picture: Picture) => boolean) => ({
    ...read,
    images: some(isChosen),
    about,
  });
  const asked = part ?? (['validation', 'test', 'train'] as const).find((part) => parts.has(part)) ?? 'all';
  if (asked === 'all') return chosen(`all images of ${options.labels}`, () => true);
  if (parts.has(asked))
    return chosen(`images for ${asked} of ${options.labels}`, ({ part }) => part === asked);
  if (parts.size > 0 || asked === 'test')
    throw new Error(`${options.labels} has no part '${asked}'; it has ${listed([...parts]) || 'none'}.`);
  const isHeldOut = isDrawn(pictures, read, options);
  return asked === 'validation'
    ? chosen('images that training holds out', isHeldOut)
    : chosen('images that training does not hold out', (picture) => !isHeldOut(picture));
}

interface Picture {
  readonly name: string;
  readonly labels: readonly number[];
  readonly part?: Part;
}

interface ReadLabelled extends LabelledByFile {
  /** In the order of the folder. */
  readonly pictures: readonly Picture[];
  readonly parts: ReadonlySet<Part>;
  some(isChosen: (picture: Picture) => boolean): LabelledImages;
}

async function readLabelled(directory: string, options: LabelFileOptions): Promise<ReadLabelled> {
  const { labels, validationLabels, indexes } = options;
  const files = [await readLabels(labels, options)];
  if (validationLabels !== undefined) files.push(await readLabels(validationLabels, options));
  const { names: found, passedOver } = await imageFolder(directory, { indexes });
  const names = [...found];
  const pictures = files.map((file) => findPictures(file, directory, names));
  const all = pictures.flat();
  const multiLabel = options.multiLabel ?? all.some(({ said }) => said.labels.length !== 1);
  if (!multiLabel) for (const [i, file] of files.entries()) assertOneLabel(file, pictures[i]!);
  const { classes, numbers } = classesOf(files, options.classNames);
  if (classes.length < 2)
    throw new Error(
      `${labels} has ${classes.length === 1 ? `one class, ${shown(classes[0]!)}` : 'no class'}; expected two or more.`,
    );
  const labelOf = numbers
    ? (label: string) => (Number(label) < classes.length ? Number(label) : undefined)
    : (
        (places) => (label: string) =>
          places.get(label)
      )(new Map(classes.map((name, i) => [name, i])));
  const partOf = partsOf(files, pictures);
  // Few sets are different: each is kept once.
  const sets = new Map<string, readonly number[]>();
  const byName = new Map<string, Picture>();
  for (const [i, file] of files.entries())
    for (const { name, said } of pictures[i]!) {
      const fail = failIn(file.path, file.unit);
      if (byName.has(name)) fail(said.line, `${shown(name)} is in ${files[0]!.path} too, to train on.`);
      const own = said.labels.map(
        (label) =>
          labelOf(label) ??
          fail(
            said.line,
            `there is no class ${shown(label)}; expected one of the ${classes.length} that are named.`,
          ),
      );
      own.sort((a, b) => a - b);
      const key = own.join();
      const set = sets.get(key) ?? own;
      sets.set(key, set);
      byName.set(name, { name, labels: set, part: partOf(i, name, said.part) });
    }
  const ordered = names.flatMap((name) => byName.get(name) ?? []);
  const unnamed = names.filter((name) => !byName.has(name));
  return {
    classes,
    named: options.classNames !== undefined || !classes.every(isNumber),
    multiLabel,
    digest: files.map(({ digest }) => digest).join('+'),
    notes: [
      ...files.flatMap(({ notes }) => notes),
      ...describe(ordered, unnamed),
      ...doubts(ordered, classes),
    ],
    passedOver,
    pictures: ordered,
    parts: new Set(ordered.flatMap(({ part }) => part ?? [])),
    some(isChosen) {
      const chosen = ordered.filter(isChosen);
      return {
        source: { kind: 'folder', directory, names: compactNames(chosen.map(({ name }) => name)) },
        labels: chosen.map(({ labels }) => labels),
      };
    },
  };
}

function describe(pictures: readonly Picture[], unnamed: readonly string[]): string[] {
  const counts = pictures.map(({ labels }) => labels.length);
  const [fewest, most, sum] = counts.reduce(
    ([least, most, sum], count) => [Math.min(least, count), Math.max(most, count), sum + count],
    [Number.POSITIVE_INFINITY, 0, 0],
  ) as [number, number, number];
  const each =
    fewest === most
      ? `${most} of each`
      : `from ${fewest} to ${most} of each, ${(sum / counts.length).toFixed(2)} on average`;
  return [
    `${pictures.length} pictures have labels, ${each}.`,
    ...(unnamed.length > 0
      ? [`Not named in it, and left out: ${unnamed.length} of the folder, such as ${shown(unnamed[0]!)}.`]
      : []),
  ];
}

/** Of fewer classes nothing can be told. */
const MANY_CLASSES = 8;
/** In so few pictures what was not divided, or divided by something else, stands as a class. */
const FEW_PICTURES = 2;

/** What labels look like that were read otherwise than they are meant, for people. */
function doubts(pictures: readonly Picture[], classes: readonly string[]): string[] {
  const counts = new Uint32Array(classes.length);
  for (const { labels } of pictures) for (const label of labels) counts[label]!++;
  const rare = classes.filter((_, label) => counts[label]! > 0 && counts[label]! <= FEW_PICTURES);
  const signs = classes.filter((name) => !/[\p{L}\p{N}]/u.test(name));
  const alike = classes.find((name, i) =>
    classes.some((other, j) => j < i && other !== name && other.toLowerCase() === name.toLowerCase()),
  );
  return [
    ...(signs.length > 0
      ? [`Classes without a letter or digit: ${listed(signs)}. Perhaps that is what divides labels.`]
      : []),
    ...(classes.length > MANY_CLASSES && 2 * rare.length > classes.length
      ? [
          `${rare.length} of the ${classes.length} classes are in one or two pictures, such as ${shown(rare[0]!)}: perhaps something else divides labels.`,
        ]
      : []),
    ...(alike === undefined ? [] : [`Two classes differ in upper and lower case alone: ${shown(alike)}.`]),
  ];
}

function assertOneLabel({ path, unit }: LabelsFile, pictures: readonly FoundPicture[]): void {
  for (const { said } of pictures)
    if (said.labels.length !== 1)
      failIn(path, unit)(
        said.line,
        `${shown(said.name)} has ${said.labels.length === 0 ? 'no label' : `the labels ${listed(said.labels)}`}; expected one.`,
      );
}

/** More are no classes but names of pictures, or the like. */
const MOST_CLASSES = 50_000;

const isNumber = (label: string) => /^(0|[1-9]\d*)$/.test(label);

/** All classes; `numbers`: labels are their places. */
function classesOf(
  files: readonly LabelsFile[],
  named: readonly string[] | undefined,
): { readonly classes: readonly string[]; readonly numbers: boolean } {
  const used = new Set<string>();
  for (const { images } of files)
    for (const { labels } of images) for (const label of labels) used.add(label);
  if (used.size > MOST_CLASSES)
    throw new Error(`${files[0]!.path} has ${used.size} different labels; expected ${MOST_CLASSES} at most.`);
  const areNumbers = [...used].every(isNumber);
  if (named) return { classes: named, numbers: areNumbers };
  const [first, ...others] = files.map(({ classes }) => classes);
  if (first && others.every((other) => other)) {
    const differs = others.flatMap((other) => [
      ...other!.filter((name) => !first.includes(name)),
      ...first.filter((name) => !other!.includes(name)),
    ]);
    if (differs.length > 0)
      throw new Error(
        `${files[0]!.path} and ${files[1]!.path} do not have the same classes: ${listed(differs)}.`,
      );
    return { classes: first, numbers: false };
  }
  const sorted = [...used].sort();
  return { classes: areNumbers ? sorted.sort((a, b) => Number(a) - Number(b)) : sorted, numbers: false };
}

/** The part of a picture of the file of this number. @throws when it is said twice */
function partsOf(
  files: readonly LabelsFile[],
  pictures: readonly (readonly FoundPicture[])[],
): (file: number, name: string, said: Part | undefined) => Part | undefined {
  const split = files.find(({ images }) => images.some(({ part }) => part !== undefined));
  if (files.length > 1) {
    if (split) throw new Error(`${split.path} has parts, and so are the two files; expected one of both.`);
    return (file) => (file === 0 ? 'train' : 'validation');
  }
  if (split) return (_file, _name, said) => said;
  const ofPath = (name: string) =>
    name.includes('/') ? partCalled(name.slice(0, name.indexOf('/'))) : undefined;
  const found = new Set(pictures.flat().map(({ name }) => ofPath(name)));
  return found.size > 1 && !found.has(undefined) ? (_file, name) => ofPath(name) : () => undefined;
}

/** Whether a picture is held out where there are no parts. */
function isDrawn(
  pictures: readonly Picture[],
  { classes, multiLabel }: Pick<LabelledByFile, 'classes' | 'multiLabel'>,
  options: HeldOutOptions,
): (picture: Picture) => boolean {
  const groups = rarestLabels(pictures.map(({ labels }) => labels)).map((label) => classes[label] ?? '');
  const names = pictures.map(({ name }) => name);
  // A class of one or two pictures stays to be trained on: others have labels beside it.
  const isHeldOut = heldOutNames(names, groups, options, multiLabel ? 0 : 1);
  return ({ name }) => isHeldOut(name);
}
