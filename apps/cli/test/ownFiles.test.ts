import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { assertNoRun } from '../src';
import { assertOwnFiles } from '../src/run/ownFiles';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'own-'));
});
afterEach(() => rm(folder, { recursive: true }));

test('a checkpoint beside which a run is to be written is not written over', async () => {
  expect(() => assertOwnFiles(folder)).not.toThrow();
  await writeFile(join(folder, 'config.json'), '{}');
  expect(() => assertOwnFiles(folder)).not.toThrow();
  await writeFile(join(folder, 'model.safetensors'), 'x');
  expect(() => assertOwnFiles(folder)).toThrow(
    /model\.safetensors' is there, and is of no run.*another --out/,
  );
});

test('a run that continues has files of its own, which other commands leave', async () => {
  expect(() => assertNoRun(folder)).not.toThrow();
  await writeFile(join(folder, 'recipe.json'), '{}');
  await writeFile(join(folder, 'model.safetensors'), 'x');
  expect(() => assertOwnFiles(folder)).not.toThrow();
  expect(() => assertNoRun(folder)).toThrow('holds a run');
});
