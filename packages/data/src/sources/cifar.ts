import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type PickleValue, parsePickle, uint8Array } from '@beit/weights';
import { readRegular } from '../files/regularFile';

export const CIFAR_SIDE = 32;
const IMAGE_BYTES = 3 * CIFAR_SIDE ** 2;
/** The largest file has 50,000 images of CIFAR-100. */
const MOST_BYTES = 2 ** 28;
const MOST_NAMES_BYTES = 2 ** 20;

/** The images of one file. */
export interface CifarBatch {
  readonly part: 'train' | 'test';
  readonly labels: Uint8Array;
  /** `[images, 3, 32, 32]`. */
  readonly pixels: Uint8Array;
}

export interface Cifar {
  /** Those of CIFAR-100 are its hundred fine ones. */
  readonly classes: readonly string[];
  /** The files in order, those to train on first. @throws when one is missing or damaged: the error names it */
  batches(): AsyncGenerator<CifarBatch>;
}

/** A form that the data sets are given in. */
interface Form {
  /** The file of the names of classes. */
  readonly names: string;
  readonly train: readonly string[];
  readonly test: string;
  readNames(content: Uint8Array): unknown;
  read(content: Uint8Array): Omit<CifarBatch, 'part'>;
}

const TEN = { train: [1, 2, 3, 4, 5].map((i) => `data_batch_${i}`), test: 'test_batch' };
const HUNDRED = { train: ['train'], test: 'test' };
const binary = ({ train, test }: typeof TEN) => ({
  train: train.map((name) => `${name}.bin`),
  test: `${test}.bin`,
  readNames: (content: Uint8Array) => Buffer.from(content).toString('utf8').trim().split(/\s*\n/),
});

/** https://www.cs.toronto.edu/~kriz/cifar.html: both data sets, as pickles of Python 2 and as records of bytes. */
const FORMS: readonly Form[] = [
  { names: 'batches.meta', ...TEN, ...pickled('label_names', 'labels') },
  { names: 'meta', ...HUNDRED, ...pickled('fine_label_names', 'fine_labels') },
  { names: 'batches.meta.txt', ...binary(TEN), read: (content) => records(content, 1) },
  { names: 'fine_label_names.txt', ...binary(HUNDRED), read: (content) => records(content, 2) },
];

/**
 * CIFAR-10 or CIFAR-100 in a folder as their author gives them: `cifar-10-batches-py`, `cifar-10-batches-bin`,
 * `cifar-100-python`, `cifar-100-binary`. Pickles are read as data.
 *
 * @throws when it is none of these, or has no names of classes: the error says what was looked for
 */
export async function openCifar(directory: string): Promise<Cifar> {
  const form = await formOf(directory);
  const path = (name: string) => join(directory, name);
  const classes = await reading(path(form.names), MOST_NAMES_BYTES, form.readNames);
  if (!areNames(classes))
    throw new Error(
      `'${path(form.names)}' has no names of classes; expected two or more different ones that folders can have.`,
    );
  const read = (name: string) =>
    reading(path(name), MOST_BYTES, (content) => {
      const batch = form.read(content);
      const wrong = batch.labels.find((label) => label >= classes.length);
      if (wrong !== undefined)
        throw new Error(`it has a label ${wrong}; expected 0 to ${classes.length - 1}`);
      return batch;
    });
  return {
    classes,
    async *batches() {
      for (const name of form.train) yield { part: 'train', ...(await read(name)) };
      yield { part: 'test', ...(await read(form.test)) };
    },
  };
}

const areNames = (names: unknown): names is string[] =>
  Array.isArray(names) &&
  names.length > 1 &&
  new Set(names).size === names.length &&
  names.every((name) => typeof name === 'string' && /^[\w -]+$/.test(name));

async function formOf(directory: string): Promise<Form> {
  for (const form of FORMS) {
    const there = await Promise.all(
      [form.names, form.test].map((name) => stat(join(directory, name)).catch(() => undefined)),
    );
    if (there.every(Boolean)) return form;
  }
  const looked = FORMS.map(({ names, test }) => `'${names}' and '${test}'`).join(', or ');
  throw new Error(`'${directory}' is no folder of CIFAR's; expected files ${looked} in it.`);
}

async function reading<T>(path: string, mostBytes: number, read: (content: Uint8Array) => T): Promise<T> {
  const content = await readRegular(path, mostBytes);
  try {
    return read(content);
  } catch (error) {
    const reason = (error as Error).message.replace(/\.$/, '');
    throw new Error(`'${path}' is no file of CIFAR's, or is damaged: ${reason}.`, { cause: error });
  }
}

/** So many labels, of which the last one counts, and then the pixels. */
function records(content: Uint8Array, labelBytes: number): Omit<CifarBatch, 'part'> {
  const size = labelBytes + IMAGE_BYTES;
  const images = content.length / size;
  if (!Number.isInteger(images) || images === 0)
    throw new Error(`it has ${content.length} bytes; expected a multiple of ${size}`);
  const labels = new Uint8Array(images);
  const pixels = new Uint8Array(images * IMAGE_BYTES);
  for (let i = 0; i < images; i++) {
    labels[i] = content[i * size + labelBytes - 1]!;
    pixels.set(content.subarray(i * size + labelBytes, (i + 1) * size), i * IMAGE_BYTES);
  }
  return { labels, pixels };
}

function pickled(namesKey: string, labelsKey: string): Pick<Form, 'readNames' | 'read'> {
  const dictOf = (content: Uint8Array): ReadonlyMap<PickleValue, PickleValue> => {
    const value = parsePickle(content);
    if (!(value instanceof Map)) throw new Error('its pickle is no dict');
    return value;
  };
  return {
    readNames: (content) => dictOf(content).get(namesKey),
    read(content) {
      const batch = dictOf(content);
      const [labels, array] = [batch.get(labelsKey), uint8Array(batch.get('data'))];
      if (array?.shape.length !== 2 || array.shape[1] !== IMAGE_BYTES || array.shape[0] === 0)
        throw new Error(`its 'data' are no array of ${IMAGE_BYTES} bytes for each image`);
      if (!Array.isArray(labels) || labels.length !== array.shape[0])
        throw new Error(`its '${labelsKey}' are no list of ${array.shape[0]} numbers`);
      const isLabel = (label: PickleValue): label is number =>
        typeof label === 'number' && Number.isInteger(label) && label >= 0 && label < 256;
      if (!labels.every(isLabel)) throw new Error(`its '${labelsKey}' are no numbers from 0 to 255`);
      return { labels: Uint8Array.from(labels), pixels: array.data };
    },
  };
}
