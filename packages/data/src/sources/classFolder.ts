import { createRandom } from '@beit/random';
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
  /** Names of folders, sorted. */
  readonly classes: readonly string[];
  readonly train: LabelledFolder;
  readonly validation: LabelledFolder;
}

export interface ClassFolderOptions extends ImageFolderOptions {
  /** Share of each class that is held out where the folder is not split into `train` and `val`. Default 0.2. */
  readonly validationShare?: number;
  /** Seed of that split. Default 0. */
  readonly seed?: number;
}

const TRAIN = 'train';
const VALIDATION = ['val', 'valid', 'validation', 'test'];

/**
 * A folder of images whose class is the folder that they are in, as torchvision's ImageFolder: `train/cat/1.jpg` and
 * `val/cat/2.jpg`, or `cat/1.jpg` alone, of which a seeded share of every class is held out.
 *
 * @throws when an image is in no class, there are fewer than two classes, or the parts have different ones: the error
 *   names them
 */
export async function classFolder(
  directory: string,
  { validationShare = 0.2, seed = 0, ...folder }: ClassFolderOptions = {},
): Promise<ClassFolder> {
  const names = [...(await imageFolder(directory, folder)).names];
  const parts = new Set(names.map((name) => name.split('/')[0]!));
  const heldOut = VALIDATION.filter((part) => parts.has(part));
  if (parts.has(TRAIN) && heldOut.length === 0 && parts.size === 1) {
    throw new Error(`'${directory}' has a folder '${TRAIN}' alone; expected 'val' beside it.`);
  }
  const isSplit = parts.has(TRAIN) && heldOut.length > 0;
  if (isSplit && parts.size > 2) {
    throw new Error(
      `'${directory}' has the folders ${[...parts].join(', ')}; expected '${TRAIN}' and one of ${VALIDATION.join(', ')}, or classes.`,
    );
  }
  const depth = isSplit ? 1 : 0;
  const classOf = (name: string) => {
    const path = name.split('/');
    if (path.length < depth + 2) {
      throw new Error(`'${name}' in '${directory}' is in no folder of a class; expected e.g. 'cat/${name}'.`);
    }
    return path[depth]!;
  };
  const classes = [...new Set(names.map(classOf))].sort();
  if (classes.length < 2) {
    throw new Error(
      `'${directory}' has one class, '${classes[0]}'; expected a folder for each of two or more.`,
    );
  }
  const labelOf = new Map(classes.map((name, label) => [name, label]));
  const isHeldOut = isSplit
    ? (name: string) => !name.startsWith(`${TRAIN}/`)
    : heldOutNames(names, classOf, validationShare, seed);
  const labelled = (chosen: readonly string[], part: string): LabelledFolder => {
    const labels = Int32Array.from(chosen, (name) => labelOf.get(classOf(name))!);
    const present = new Set(labels);
    const missing = classes.filter((_, label) => !present.has(label));
    if (missing.length > 0) {
      throw new Error(`There is no image for ${part} of ${missing.map((name) => `'${name}'`).join(', ')}.`);
    }
    return { source: { kind: 'folder', directory, names: compactNames(chosen) }, labels };
  };
  return {
    classes,
    train: labelled(
      names.filter((name) => !isHeldOut(name)),
      'training',
    ),
    validation: labelled(names.filter(isHeldOut), 'validation'),
  };
}

/** A share of every class, at least one image, drawn by the names alone. */
function heldOutNames(
  names: readonly string[],
  classOf: (name: string) => string,
  share: number,
  seed: number,
): (name: string) => boolean {
  if (!(share > 0 && share < 1)) {
    throw new RangeError(`validationShare is ${share}; expected a number between 0 and 1.`);
  }
  const byClass = new Map<string, string[]>();
  for (const name of names) {
    const own = byClass.get(classOf(name));
    if (own) own.push(name);
    else byClass.set(classOf(name), [name]);
  }
  const heldOut = new Set<string>();
  for (const [label, own] of byClass) {
    const count = Math.max(1, Math.round(share * own.length));
    for (const index of createRandom(seed, 'validation', label).permutation(own.length).slice(0, count)) {
      heldOut.add(own[index]!);
    }
  }
  return (name) => heldOut.has(name);
}
