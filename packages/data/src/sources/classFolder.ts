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

/** Where the folder has no parts, a share of each class is held out. */
export interface ClassFolderOptions extends ImageFolderOptions, HeldOutOptions {}

/**
 * A folder of images whose class is the folder that they are in, as torchvision's ImageFolder: `train/cat/1.jpg` and
 * `val/cat/2.jpg` (`folderParts` says how parts may be called), or `cat/1.jpg` alone, of which a seeded share of every
 * class is held out.
 *
 * @throws when an image is in no class, there are fewer than two classes, one has nothing to train on, or a part is
 *   missing: the error names them
 */
export async function classFolder(directory: string, options: ClassFolderOptions = {}): Promise<ClassFolder> {
  const { names, parts, classes, classesOf, labelled, passedOver } = await readClasses(directory, options);
  if (classes.length < 2)
    throw new Error(
      `'${directory}' has one class, '${classes[0]}'; expected a folder for each of two or more.`,
    );
  const heldOut = parts?.validation ?? parts?.test;
  if (parts && parts.train === undefined)
    throw new Error(
      `'${directory}' has nothing to train on, but '${heldOut}' alone; expected 'train' beside it.`,
    );
  if (parts && heldOut === undefined)
    throw new Error(`'${directory}' has a folder '${parts.train}' alone; expected 'val' beside it.`);
  const isHeldOut = parts ? inPart(heldOut!) : heldOutNames(names, classesOf(names), options);
  const train = labelled(names.filter(parts ? inPart(parts.train!) : (name) => !isHeldOut(name)));
  const missing = missingClasses(classes, train);
  if (missing.length > 0)
    throw new Error(`There is no image for training of ${missing.map((name) => `'${name}'`).join(', ')}.`);
  return { classes, train, validation: labelled(names.filter(isHeldOut)), passedOver };
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
  const { names, parts, classes, classesOf, labelled, passedOver } = await readClasses(directory, options);
  const some = (about: string, isChosen: (name: string) => boolean) => ({
    classes,
    images: labelled(names.filter(isChosen)),
    about,
    passedOver,
  });
  const all = () => some('all images', () => true);
  if (!parts) {
    if (part === undefined || part === 'all') return all();
    if (part === 'test') throw new Error(`'${directory}' has classes alone, and no folder 'test' of them.`);
    const isHeldOut = heldOutNames(names, classesOf(names), options);
    return part === 'validation'
      ? some('images that training holds out', isHeldOut)
      : some('images that training does not hold out', (name) => !isHeldOut(name));
  }
  if (part === 'all') return all();
  const name = part === undefined ? (parts.validation ?? parts.test ?? parts.train!) : parts[part];
  if (name === undefined)
    throw new Error(
      `'${directory}' has no part '${part}'; it has ${Object.values(parts)
        .map((other) => `'${other}'`)
        .join(', ')}.`,
    );
  return some(`images of '${name}'`, inPart(name));
}

/** Classes of which there are none. */
export function missingClasses(
  classes: readonly string[],
  { labels }: Pick<LabelledFolder, 'labels'>,
): string[] {
  const present = new Set(labels);
  return classes.filter((_, label) => !present.has(label));
}

const inPart = (part: string) => (name: string) => name.startsWith(`${part}/`);

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
