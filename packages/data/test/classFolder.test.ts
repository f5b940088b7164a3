import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { classFolder, classFolderPart, describePassedOver, imageFolder, missingClasses } from '../src';

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
  [['Train/a/1.jpg', 'Train/b/1.jpg', 'Val/a/2.jpg', 'Val/b/2.jpg'], 'Val'],
  [['training/a/1.jpg', 'training/b/1.jpg', 'validation/a/2.jpg', 'test/b/2.jpg'], 'validation'],
  [['TRAIN/a/1.jpg', 'TRAIN/b/1.jpg', 'TEST/a/2.jpg'], 'TEST'],
])('%j has parts, of which %j validates', async (names, part) => {
  await files(...names);
  const { classes, train, validation } = await classFolder(folder);
  expect(classes).toEqual(['a', 'b']);
  expect(train.source.names).toEqual(names.slice(0, 2));
  expect([...validation.source.names].every((name) => name.startsWith(`${part}/`))).toBe(true);
});

test('a share that is asked for is held out of what there is to train on, and the test stays unseen', async () => {
  const numbers = Array.from({ length: 10 }, (_, i) => i);
  await files(
    ...numbers.flatMap((i) => [`train/cat/${i}.jpg`, `train/dog/${i}.jpg`]),
    ...['test/cat/a.jpg', 'test/dog/b.jpg'],
  );
  const { train, validation } = await classFolder(folder, { validationShare: 0.2 });
  expect(validation.source.names).toHaveLength(4);
  const names = [...train.source.names, ...validation.source.names];
  expect(new Set(names).size).toBe(20);
  expect(names.every((name) => name.startsWith('train/'))).toBe(true);
  const part = async (name: 'train' | 'validation' | 'test') =>
    (await classFolderPart(folder, { part: name, validationShare: 0.2 })).images;
  expect(await part('train')).toEqual(train);
  expect(await part('validation')).toEqual(validation);
  expect([...(await part('test')).source.names]).toEqual(['test/cat/a.jpg', 'test/dog/b.jpg']);
  // Where there is a part for it, nothing is taken from those to train on.
  await files('val/cat/c.jpg', 'val/dog/d.jpg');
  const whole = await classFolder(folder, { validationShare: 0.2 });
  expect([...whole.validation.source.names]).toEqual(['val/cat/c.jpg', 'val/dog/d.jpg']);
  expect(whole.train.labels).toHaveLength(20);
});

test('a vehicle is a class, and so is a test', async () => {
  await files('bus/1.jpg', 'bus/2.jpg', 'train/1.jpg', 'train/2.jpg', 'Test/1.jpg', 'Test/2.jpg');
  expect((await classFolder(folder)).classes).toEqual(['Test', 'bus', 'train']);
});

test.each([
  [['train/cat/1.jpg', 'train/dog/1.jpg'], "'train' alone; expected 'val' beside it"],
  [['val/cat/1.jpg', 'val/dog/1.jpg'], "nothing to train on, but 'val' alone; expected 'train'"],
  [['Train/1.jpg', 'Train/2.jpg', 'Val/1.jpg', 'Val/2.jpg'], "right in 'Train', 'Val'; expected a folder"],
  [['train/cat/1.jpg', 'val/cat/1.jpg', 'val/dog/1.jpg'], "no image for training of 'dog'"],
  [['1.jpg', 'cat/1.jpg'], "'1.jpg'"],
  [['cat/1.jpg'], "one class, 'cat'"],
  [
    ['train/cat/1.jpg', 'val/cat/1.jpg', 'extra/cat/1.jpg'],
    "the parts 'train', 'val', and beside them 'extra'",
  ],
  [['train/cat/1.jpg', 'Training/cat/1.jpg', 'val/cat/1.jpg'], "'Training' and 'train', which are one part"],
  [['cat/1.jpg', 'dog/1.jpg', 'test/cat/2.jpg'], "the parts 'test', and beside them 'cat', 'dog'"],
])('%j is an error that says what is wrong', async (names, message) => {
  await files(...names);
  await expect(classFolder(folder)).rejects.toThrow(message);
});

describe('what a classifier is measured on', () => {
  const measured = async (part?: 'train' | 'validation' | 'test' | 'all') => {
    const { classes, images, about } = await classFolderPart(folder, { part });
    return { classes, about, names: [...images.source.names], labels: [...images.labels] };
  };

  test('is the part for it, which may lack a class, or the one that is asked for', async () => {
    await files('train/cat/1.jpg', 'train/dog/1.jpg', 'val/dog/3.jpg', 'test/eel/4.jpg');
    const classes = ['cat', 'dog', 'eel'];
    expect(await measured()).toEqual({
      classes,
      about: "images of 'val'",
      names: ['val/dog/3.jpg'],
      labels: [1],
    });
    expect((await measured('test')).names).toEqual(['test/eel/4.jpg']);
    expect((await measured('all')).names).toHaveLength(4);
    await rm(join(folder, 'test'), { recursive: true });
    await expect(measured('test')).rejects.toThrow("no part 'test'; it has 'train', 'val'");
    const { validation } = await classFolder(folder);
    expect(missingClasses(['cat', 'dog'], validation)).toEqual(['cat']);
  });

  test('is all of a folder without parts, or what training holds out', async () => {
    await files(...[...'abcdefghij'].flatMap((x) => [`cat/${x}.jpg`, `dog/${x}.jpg`]));
    expect((await measured()).names).toHaveLength(20);
    const { train, validation } = await classFolder(folder);
    expect((await measured('validation')).names).toEqual(validation.source.names);
    expect((await measured('train')).names).toEqual(train.source.names);
    await expect(measured('test')).rejects.toThrow("no folder 'test'");
  });

  test('can be of one class', async () => {
    await files('val/cat/1.jpg');
    expect((await measured()).classes).toEqual(['cat']);
  });
});

test('what is hidden is no data, and what is passed over is counted by its ending', async () => {
  await files(
    ...['cat/1.jpg', 'cat/._1.jpg', 'cat/.ipynb_checkpoints/1.jpg', '.ipynb_checkpoints/1.jpg'],
    ...[
      '__MACOSX/cat/._1.jpg',
      'dog/2.bmp',
      'dog/3.HEIC',
      'dog/notes.txt',
      'list.txt',
      'dog/README',
      '.DS_Store',
    ],
  );
  const { names, passedOver } = await imageFolder(folder);
  expect(names).toEqual(['cat/1.jpg', 'dog/2.bmp']);
  expect(passedOver).toEqual({ endings: { '.heic': 1, '.txt': 2, '': 1 }, special: [] });
  expect(describePassedOver(passedOver)).toBe(
    '4 files were passed over for the ending of the name: 1 .heic, 2 .txt, 1 without one. ' +
      'Pictures in .heic are not read; convert them to PNG or JPEG.',
  );
  expect(describePassedOver({ endings: {}, special: [] })).toBeUndefined();
});

test('a share that is none is refused', async () => {
  await files('cat/1.jpg', 'dog/1.jpg');
  await expect(classFolder(folder, { validationShare: 1 })).rejects.toThrow('validationShare is 1');
});
