import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeShards } from '@beit/data';
import { loadImages } from '../src/images';
import { RECIPES } from '../src/recipes';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'pretrain-images-'));
  for (let i = 0; i < 60; i++) writeFileSync(join(folder, `${i}.jpg`), 'not read here');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const emoji = RECIPES.find(({ name }) => name === 'emoji')!;
const load = (location: string) => loadImages({ ...emoji, data: { kind: 'folder' } }, location);
const names = Array.from({ length: 60 }, (_, i) => `${i}.jpg`);

test('of a folder one image in twenty is held out, the same ones every time', async () => {
  const { train, heldOut } = await load(folder);
  expect([...train.names, ...heldOut.names].sort()).toEqual([...names].sort());
  expect(heldOut.names.length).toBeGreaterThan(0);
  expect((await load(folder)).heldOut.names).toEqual(heldOut.names);
});

test('of a folder of parts those for testing and validation stay unseen', async () => {
  const parts = join(folder, 'parts');
  const wanted = { train: 90, val: 10, test: 10 };
  for (const [part, count] of Object.entries(wanted)) {
    mkdirSync(join(parts, part, 'cat'), { recursive: true });
    for (let i = 0; i < count; i++) writeFileSync(join(parts, part, 'cat', `${i}.jpg`), 'not read here');
  }
  const { train, heldOut, notes } = await load(parts);
  const all = [...train.names, ...heldOut.names];
  expect(all).toHaveLength(90);
  expect(all.every((name) => name.startsWith('train/'))).toBe(true);
  expect(notes[0]).toBe("Trained on 'train'; the 20 images of 'test' and 'val' stay unseen.");
  // Among classes, a train is a vehicle.
  mkdirSync(join(parts, 'bus'));
  writeFileSync(join(parts, 'bus', '0.jpg'), 'not read here');
  expect((await load(parts)).notes).toEqual([]);
});

test('of shards those for validation are held out, or else the last images', async () => {
  const directory = join(folder, 'shards');
  await writeShards({ directory, prefix: 'train', from: folder, names, imagesPerShard: 20 });
  const alone = await load(directory);
  expect(alone.train.names).toHaveLength(57);
  expect(alone.heldOut.names).toEqual(['train-000002.tar/17', 'train-000002.tar/18', 'train-000002.tar/19']);
  await writeShards({ directory, prefix: 'val', from: folder, names: names.slice(0, 5) });
  const both = await load(directory);
  expect(both.train.names).toHaveLength(60);
  expect(both.heldOut.names).toHaveLength(5);
  expect(both.heldOut.names.at(0)).toBe('val-000000.tar/0');
});
