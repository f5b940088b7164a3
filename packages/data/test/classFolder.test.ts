import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { classFolder } from '../src';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'classes-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** Files with nothing in them: a folder is listed by names alone. */
async function files(...names: string[]): Promise<void> {
  for (const name of names) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), '');
  }
}

test('train and val with the same classes', async () => {
  await files('train/dog/1.jpg', 'train/cat/1.jpg', 'train/cat/more/2.png', 'val/cat/3.jpg', 'val/dog/4.jpg');
  const { classes, train, validation } = await classFolder(folder);
  expect(classes).toEqual(['cat', 'dog']);
  expect(train.source.names).toEqual(['train/cat/1.jpg', 'train/cat/more/2.png', 'train/dog/1.jpg']);
  expect([...train.labels]).toEqual([0, 0, 1]);
  expect([...validation.labels]).toEqual([0, 1]);
});

test('one folder is split by a seed, a share of every class', async () => {
  await files(...[...'abcdefghij'].flatMap((x) => [`cat/${x}.jpg`, `dog/${x}.jpg`]), 'dog/k.jpg');
  const split = await classFolder(folder, { validationShare: 0.3, seed: 1 });
  expect([...split.validation.labels].filter((label) => label === 0)).toHaveLength(3);
  expect([...split.validation.labels].filter((label) => label === 1)).toHaveLength(3);
  const all = [...split.train.source.names, ...split.validation.source.names];
  expect(new Set(all).size).toBe(21);
  expect(await classFolder(folder, { validationShare: 0.3, seed: 1 })).toEqual(split);
  expect(await classFolder(folder, { validationShare: 0.3, seed: 2 })).not.toEqual(split);
});

test.each([
  [['train/cat/1.jpg', 'train/dog/1.jpg'], "expected 'val' beside it"],
  [['train/cat/1.jpg', 'train/dog/1.jpg', 'val/cat/1.jpg'], "no image for validation of 'dog'"],
  [['1.jpg', 'cat/1.jpg'], "'1.jpg'"],
  [['cat/1.jpg'], "one class, 'cat'"],
  [['train/cat/1.jpg', 'val/cat/1.jpg', 'extra/cat/1.jpg'], 'extra'],
])('%j is an error that says what is wrong', async (names, message) => {
  await files(...names);
  await expect(classFolder(folder)).rejects.toThrow(message);
});

test('a share that is none is refused', async () => {
  await files('cat/1.jpg', 'dog/1.jpg');
  await expect(classFolder(folder, { validationShare: 1 })).rejects.toThrow('validationShare is 1');
});
