import { mkdir, mkdtemp, readdir, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { imageFolder } from '../src';

let folder: string;
let images: string;
let indexes: string;
const CLASSES = 6;
const PER_CLASS = 1000;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beit-folder-'));
  images = join(folder, 'images');
  indexes = join(folder, 'indexes');
  for (let i = 0; i < CLASSES; i++) {
    const own = join(images, `class-${i}`);
    await mkdir(own, { recursive: true });
    for (let j = 0; j < PER_CLASS; j++) await writeFile(join(own, `${j}.jpg`), '');
    // As if they had not changed for long.
    await utimes(own, 1000 + i, 1000 + i);
  }
  await utimes(images, 1, 1);
}, 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

const names = async () => [...(await imageFolder(images, { indexes })).names];

test('a large folder is read from its index, and what has changed is read again', async () => {
  const first = await names();
  expect(first).toHaveLength(CLASSES * PER_CLASS);
  expect(first).toEqual((await imageFolder(images)).names);
  const [index] = await readdir(indexes);
  const text = await readFile(join(indexes, index!), 'utf8');
  expect(await names()).toEqual(first);

  // It is from there that the names come: a folder of the index is believed as long as it has not changed.
  await writeFile(join(indexes, index!), text.replace('"0.jpg"', '"believed.jpg"'));
  expect((await names()).filter((name) => name.endsWith('believed.jpg'))).toHaveLength(1);
  await writeFile(join(images, 'class-0/new.jpg'), '');
  await writeFile(join(images, 'class-1/notes.txt'), '');
  await mkdir(join(images, 'class-30'));
  await writeFile(join(images, 'class-30/1.png'), '');
  await rm(join(images, 'class-2'), { recursive: true });
  expect(await names()).toEqual((await imageFolder(images)).names);

  // A folder that has just changed is read again the next time too: it may change within a tick of its clock.
  await writeFile(join(images, 'class-30/2.png'), '');
  expect(await names()).toContain('class-30/2.png');
});

test('a damaged index, one of another version and one of another form are as none', async () => {
  const [index] = await readdir(indexes);
  const expected = (await imageFolder(images)).names;
  for (const text of [
    '{',
    'null',
    '{"version":0,"folders":{}}',
    '{"version":3,"folders":{"a":{"changed":1}}}',
  ]) {
    await writeFile(join(indexes, index!), text);
    expect(await names()).toEqual(expected);
    expect(await readFile(join(indexes, index!), 'utf8')).not.toBe(text);
  }
});

test('small folders leave no index, and links are followed once', async () => {
  const small = join(folder, 'small');
  await mkdir(join(small, 'a'), { recursive: true });
  await writeFile(join(small, 'a/1.jpg'), '');
  await symlink(small, join(small, 'a/up'));
  await symlink(join(small, 'a'), join(small, 'b'));
  const before = await readdir(indexes);
  expect((await imageFolder(small, { indexes })).names).toEqual(['a/1.jpg']);
  expect(await readdir(indexes)).toEqual(before);
});

test('a link to another folder of the same images takes none of them away', async () => {
  const linked = join(folder, 'linked');
  for (const name of ['cat', 'dog', '.kept']) {
    await mkdir(join(linked, name), { recursive: true });
    await writeFile(join(linked, name, '1.jpg'), '');
  }
  await symlink('dog', join(linked, 'a first one'));
  await symlink('../dog', join(linked, 'cat/0'));
  await symlink('.kept', join(linked, 'fox'));
  const { names } = await imageFolder(linked);
  expect(names).toEqual(['cat/1.jpg', 'dog/1.jpg', 'fox/1.jpg']);
});
