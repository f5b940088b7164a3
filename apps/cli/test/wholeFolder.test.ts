import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeWhole } from '../src/run/wholeFolder';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'whole-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const write = async (partial: string) => {
  await mkdir(partial);
  await writeFile(join(partial, 'a'), '');
};

test('what killed processes left is removed; what a living one is at, and others’, is not', async () => {
  // No process has the first number: Linux has 2^22 at the most.
  const left = ['scenes.99999999.tmp', `scenes.${process.pid}.tmp`];
  const kept = [
    'other.99999999.tmp',
    `scenes.${process.ppid}.tmp`,
    'scenes.99999999.tmp.old',
    'scenes.new.tmp',
  ];
  for (const name of [...left, ...kept]) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, 'image.jpg'), '');
  }
  await makeWhole(join(folder, 'scenes'), write);
  expect((await readdir(folder)).sort()).toEqual([...kept, 'scenes'].sort());
  expect(await readdir(join(folder, 'scenes'))).toEqual(['a']);
});

test('one that fails leaves nothing', async () => {
  const failing = makeWhole(join(folder, 'new/scenes'), async (partial) => {
    await write(partial);
    throw new Error('full');
  });
  await expect(failing).rejects.toThrow('full');
  expect(await readdir(join(folder, 'new'))).toEqual([]);
});
