import { type FolderParts, folderParts, type Part } from './folderParts';
import { type HeldOutOptions, heldOutNames } from './heldOutNames';
import type { PassedOver } from './imageExtensions';
import { type ImageFolderOptions, imageFolder } from './imageFolder';
import { compactNames } from './names';
import type { FolderSource } from './source';

/** Images with their classes. */
export interface LabelledFolder {
  readonly source: FolderSource;
  /** The class of each image of `source`: an index into the classes. */
  readonly labels: Int32Array;
}

export interface ClassFolder {
  /** Names of folders, sorted as strings, as torchvision's ImageFolder has them; of all parts together. */
  readonly classes: readonly string[];
  readonly train: LabelledFolder;
  /** The part for it, or that for testing where there is no other. It may lack a class. */
  readonly validation: LabelledFolder;
  readonly passedOver: PassedOver;
}

/** Images to measure a classifier on. */
export interface ClassFolderPart extends Pick<ClassFolder, 'classes' | 'passedOver'> {
  readonly images: LabelledFolder;
  /** Which of the folder's images they are, for people. */
  readonly about: string;
}

/**
 * Where the folder has no parts, a share of each class is held out. Where it has no part for validation and
 * `validationShare` is given, that share of what there is to train on: the part for testing then stays unseen.
 */
export interface ClassFolderOptions extends ImageFolderOptions, HeldOutOptions {}

/**
 * A folder of images whose class is the folder that they are in, as torchvision's ImageFolder: `train/cat/1.jpg` and
 * `val/cat/2.jpg` (`folderParts` says how parts may be called), or `cat/1.jpg` alone, of which a seeded share of every
 * class is held out, as of `train` where a `validationShare` is asked for and there is no `val`.
 *
 * @throws when an image is in no class, there are fewer than two classes, one has nothing to train on, or a part is
 *   missing: the error names them
 */
export async function classFolder(directory: string, options: ClassFolderOptions = {}): Promise<ClassFolder> {
  const found = await readClasses(directory, options);
  const { names, parts, classes, labelled, passedOver } = found;
  if (classes.length < 2)
    throw new Error(
      `'${directory}' has one class, '${classes[0]}'; expected a folder for each of two or more.`,
    );
  const division = divide(found, options);
  const validation = division.validation ?? division.test;
  if (!division.train)
    throw new Error(
      `'${directory}' has nothing to train on, but '${parts!.validation ?? parts!.test}' alone; expected 'train' beside it.`,
    );
  if (!validation)
    throw new Error(`'${directory}' has a folder '${parts!.train}' alone; expected 'val' beside it.`);
  const train = labelled(names.filter(division.train.has));
  const missing = missingClasses(classes, train);
  if (missing.length > 0)
    throw new Error(`There is no image for training of ${missing.map((name) => `'${name}'`).join(', ')}.`);
  return { classes, train, validation: labelled(names.filter(validation.has)), passedOver };
}

/**
 * Some of the images of such a folder, to measure a classifier on.
 *
 * @param options.part default: `validation`, or `test` where there is none; all images of a folder without parts, of which
 *   `validation` is what `classFolder` holds out
 * @throws when an image is in no class, or the folder has no such part
 */
export async function classFolderPart(
  directory: string,
  { part, ...options }: ClassFolderOptions & { readonly part?: Part | 'all' } = {},
): Promise<ClassFolderPart> {
  const found = await readClasses(directory, options);
  const { names, parts, classes, labelled, passedOver } = found;
  if (part === 'all' || (part === undefined && !parts))
    return { classes, images: labelled(names), about: 'all images', passedOver };
  const division = divide(found, options);
  const chosen =
    part === undefined ? (division.validation ?? division.test ?? division.train!) : division[part];
  if (!chosen)
    throw new Error(
      parts
        ? `'${directory}' has no part '${part}'; it has ${Object.values(parts)
            .map((other) => `'${other}'`)
            .join(', ')}.`
        : `'${directory}' has classes alone, and no folder 'test' of them.`,
    );
  return { classes, images: labelled(names.filter(chosen.has)), about: chosen.about, passedOver };
}

/** Some of the names. */
interface Chosen {
  /** Which they are, for people. */
  readonly about: string;
  has(name: string): boolean;
}

/** The parts that there are, and those that holding out makes. */
function divide(
  { names, parts, classesOf }: ReadClasses,
  { validationShare, seed }: HeldOutOptions,
): Partial<Record<Part, Chosen>> {
  const chosen = (part: string): Chosen => ({
    about: `images of '${part}'`,
    has: (name) => name.startsWith(`${part}/`),
  });
  const heldOutOf = (whole: readonly string[], is: (name: string) => boolean, of = '') => {
    const share = validationShare !== undefined && { validationShare };
    const isHeldOut = heldOutNames(whole, classesOf(whole), {
      ...share,
      ...(seed !== undefined && { seed }),
    });
    return {
      train: {
        about: `images${of} that training does not hold out`,
        has: (name: string) => is(name) && !isHeldOut(name),
      },
      validation: { about: `images${of} that training holds out`, has: isHeldOut },
    };
  };
  if (!parts) return heldOutOf(names, () => true);
  const { train, validation, test } = parts;
  const division = {
    ...(train !== undefined && { train: chosen(train) }),
    ...(validation !== undefined && { validation: chosen(validation) }),
    ...(test !== undefined && { test: chosen(test) }),
  };
  if (!division.train || validation !== undefined || validationShare === undefined) return division;
  const { has } = division.train;
  return { ...division, ...heldOutOf(names.filter(has), has, ` of '${train}'`) };
}

/** Classes of which there are none. */
export function missingClasses(
  classes: readonly string[],
  { labels }: Pick<LabelledFolder, 'labels'>,
): string[] {
  const present = new Set(labels);
  return classes.filter((_, label) => !present.has(label));
}

interface ReadClasses {
  readonly names: readonly string[];
  readonly parts: FolderParts | undefined;
  readonly classes: readonly string[];
  readonly passedOver: PassedOver;
  classesOf(names: readonly string[]): string[];
  labelled(names: readonly string[]): LabelledFolder;
}

async function readClasses(directory: string, options: ImageFolderOptions): Promise<ReadClasses> {
  const { names: found, passedOver } = await imageFolder(directory, options);
  const names = [...found];
  const parts = folderParts(names, directory);
  const depth = parts ? 1 : 0;
  const classOf = (name: string) => {
    const path = name.split('/');
    if (path.length < depth + 2) {
      throw new Error(`'${name}' in '${directory}' is in no folder of a class; expected e.g. 'cat/${name}'.`);
    }
    return path[depth]!;
  };
  const classes = [...new Set(names.map(classOf))].sort();
  const labelOf = new Map(classes.map((name, label) => [name, label]));
  return {
    names,
    parts,
    classes,
    passedOver,
    classesOf: (chosen) => chosen.map(classOf),
    labelled: (chosen) => ({
      source: { kind: 'folder', directory, names: compactNames(chosen) },
      labels: Int32Array.from(chosen, (name) => labelOf.get(classOf(name))!),
    }),
  };
}
