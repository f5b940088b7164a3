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
  /** Of images and annotations. */
  readonly passedOver: PassedOver;
}

/** Names of the classes, where they are not ADE20K's. */
export const CLASSES = 'classes.json';
const MOST_CLASSES_BYTES = 2 ** 20;
const PARTS = ['training', 'validation'] as const;

/**
 * A folder in the layout of ADE20K (`ADEChallengeData2016`): `images/training/a.jpg` with `annotations/training/a.png` (or
 * `.tif`, `.tiff`), and `validation` likewise. A file `classes.json`, a list of names, says which classes there are.
 *
 * @throws when a folder is missing, has no images, or an image has no annotation, or two: the error says what was looked for
 */
export async function segmentationFolder(directory: string): Promise<SegmentationFolder> {
  const parts: Partial<Record<(typeof PARTS)[number], SegmentationSource>> = {};
  const passedOver = { special: [] as string[], endings: {} };
  for (const part of PARTS) {
    for (const folder of [join('images', part), join('annotations', part)]) {
      const info = await stat(join(directory, folder)).catch(() => undefined);
      if (!info?.isDirectory()) {
        throw new Error(
          `'${directory}' has no folder '${folder}'; expected images/training, images/validation, annotations/training and annotations/validation, as ADEChallengeData2016 has them.`,
        );
      }
    }
    const images = await imageFolder(join(directory, 'images', part));
    const annotations = await imageFolder(join(directory, 'annotations', part));
    for (const [kind, found] of [['images', images] as const, ['annotations', annotations] as const]) {
      addPassedOver(passedOver.endings, found.passedOver.endings);
      for (const name of found.passedOver.special) passedOver.special.push(`${kind}/${part}/${name}`);
    }
    addPassedOver(passedOver.endings, picturesAmong(annotations));
    const masks = masksByStem(annotations);
    const missing = [...images.names].filter((name) => !masks.has(stemOf(name)));
    if (missing.length > 0) {
      const shown = missing.slice(0, 5).map((name) => `'${name}'`);
      const more = missing.length > 5 ? ` and ${missing.length - 5} more` : '';
      throw new Error(
        `${missing.length} images in '${images.directory}' have no annotation in '${annotations.directory}': ${shown.join(', ')}${more}; expected '${stemOf(missing[0]!)}.png' for the first.`,
      );
    }
    const { directory: of } = annotations;
    parts[part] = {
      images,
      directory: of,
      annotations: Array.from(images.names, (name) => masks.get(stemOf(name))!),
    };
  }
  const { training, validation } = parts as Required<typeof parts>;
  const classes = await readClasses(join(directory, CLASSES));
  return { ...(classes && { classes }), training, validation, passedOver };
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

async function readClasses(path: string): Promise<readonly string[] | undefined> {
  const text = await readRegular(path, MOST_CLASSES_BYTES).then(
    (bytes) => bytes.toString('utf8'),
    (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    },
  );
  if (text === undefined) return undefined;
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
  return names;
}
