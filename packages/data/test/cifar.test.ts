import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CifarBatch, openCifar } from '../src';

/** As `fixtures/cifar/make.py` wrote them: byte k of image i of file f is (7 f + 31 i + 13 k) mod 251. */
const fixture = (name: string) => fileURLToPath(new URL(`fixtures/cifar/${name}`, import.meta.url));
const IMAGE_BYTES = 3072;
const pixelsOf = (file: number, images: number) =>
  Uint8Array.from(
    { length: images * IMAGE_BYTES },
    (_, at) => (7 * file + 31 * Math.floor(at / IMAGE_BYTES) + 13 * (at % IMAGE_BYTES)) % 251,
  );
const TEN = ['data_batch_1', 'data_batch_2', 'data_batch_3', 'data_batch_4', 'data_batch_5', 'test_batch'];

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cifar-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function batchesOf(directory: string): Promise<CifarBatch[]> {
  const batches: CifarBatch[] = [];
  for await (const batch of (await openCifar(directory)).batches()) batches.push(batch);
  return batches;
}

/** The records of bytes that the same images are. */
async function writeBinary(
  names: readonly string[],
  labelsOf: (file: number) => readonly (readonly number[])[],
) {
  for (const [file, name] of names.entries()) {
    const labels = labelsOf(file);
    const pixels = pixelsOf(file, labels.length);
    const records = labels.map((own, i) =>
      Buffer.concat([Buffer.from(own), pixels.subarray(i * IMAGE_BYTES, (i + 1) * IMAGE_BYTES)]),
    );
    await writeFile(join(folder, `${name}.bin`), Buffer.concat(records));
  }
}

test('the pickles of CIFAR-10, and its records', async () => {
  const expected = TEN.map((_, file) => ({
    part: file < 5 ? 'train' : 'test',
    labels: Uint8Array.of(file % 3, (file + 1) % 3),
    pixels: pixelsOf(file, 2),
  }));
  expect((await openCifar(fixture('cifar-10-batches-py'))).classes).toEqual([
    'airplane',
    'automobile',
    'bird',
  ]);
  expect(await batchesOf(fixture('cifar-10-batches-py'))).toEqual(expected);
  await writeBinary(TEN, (file) => [[file % 3], [(file + 1) % 3]]);
  await writeFile(join(folder, 'batches.meta.txt'), 'airplane\nautomobile\r\nbird\n\n');
  expect((await openCifar(folder)).classes).toEqual(['airplane', 'automobile', 'bird']);
  expect(await batchesOf(folder)).toEqual(expected);
});

test('the pickles of CIFAR-100, and its records: the fine classes', async () => {
  const expected = ['train', 'test'].map((part, file) => ({
    part,
    labels: Uint8Array.of(3, 2, 1, 0),
    pixels: pixelsOf(file, 4),
  }));
  const classes = ['apple', 'bear', 'cup', 'dolphin'];
  expect((await openCifar(fixture('cifar-100-python'))).classes).toEqual(classes);
  expect(await batchesOf(fixture('cifar-100-python'))).toEqual(expected);
  await writeBinary(['train', 'test'], () => [
    [0, 3],
    [0, 2],
    [1, 1],
    [1, 0],
  ]);
  await writeFile(join(folder, 'fine_label_names.txt'), classes.join('\n'));
  expect((await openCifar(folder)).classes).toEqual(classes);
  expect(await batchesOf(folder)).toEqual(expected);
});

describe('is refused, by name, when', () => {
  const change = async (name: string, changed: (content: Buffer) => Buffer) => {
    await cp(fixture('cifar-10-batches-py'), folder, { recursive: true });
    await writeFile(join(folder, name), changed(await readFile(join(folder, name))));
    return batchesOf(folder);
  };
  const withText = (from: string, to: string) => (content: Buffer) =>
    Buffer.from(content.toString('latin1').replace(from, to), 'latin1');

  test('the folder is another', async () => {
    await mkdir(join(folder, 'cat'));
    await expect(openCifar(folder)).rejects.toThrow("'batches.meta' and 'test_batch'");
  });
  test('a file is cut off', async () => {
    await expect(change('data_batch_3', (content) => content.subarray(0, 3000))).rejects.toThrow(
      'data_batch_3',
    );
    await writeBinary(TEN, () => [[0], [1]]);
    await rm(join(folder, 'batches.meta'));
    await writeFile(join(folder, 'batches.meta.txt'), 'a\nb');
    await writeFile(join(folder, 'test_batch.bin'), Buffer.alloc(3000));
    await expect(batchesOf(folder)).rejects.toThrow(
      /test_batch.bin.* has 3000 bytes; expected a multiple of 3073/,
    );
  });
  test('an array has another type, or is none', async () => {
    await expect(change('data_batch_1', withText('data', 'dada'))).rejects.toThrow(
      "its 'data' are no array of 3072",
    );
    await expect(change('data_batch_1', withText('labels', 'lobels'))).rejects.toThrow(
      "its 'labels' are no list of 2",
    );
  });
  test('a label has no class', async () => {
    await expect(change('test_batch', withText('K\x02K\x00e', 'K\x02K\x09e'))).rejects.toThrow(
      'it has a label 9; expected 0 to 2',
    );
  });
  test('a class leads out of the folder that is written', async () => {
    await expect(change('batches.meta', withText('airplane', '../../ab'))).rejects.toThrow(
      'no names of classes',
    );
  });
  test('a pickle calls something', async () => {
    await expect(
      change('data_batch_1', withText('cnumpy.core.multiarray\n_reconstruct', 'cos\nsystem')),
    ).rejects.toThrow(/data_batch_1.*"os.system"/);
  });
});
