/** Names on the Hub where the apps take paths, against a server on this machine that speaks the Hub's API. */
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { type HubServer, hubServer } from '../../../packages/hub/test/hubServer';
import { dataLocation, loadPretrained, modelLocation, shardsAt } from '../src/index';

const PACKAGES = join(__dirname, '../../../packages');
const TRANSFORMERS = join(PACKAGES, 'weights/test/fixtures/transformers');
const PARQUET = join(PACKAGES, 'data/test/fixtures/parquet');

let folder: string;
let server: HubServer | undefined;
const before = { ...process.env };
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'on-hub-'));
  jest.spyOn(console, 'error').mockImplementation(() => {});
});
afterEach(async () => {
  await server?.close();
  process.env = { ...before };
  jest.restoreAllMocks();
  await rm(folder, { recursive: true });
});

async function serve(kind: 'model' | 'dataset', from: string, under = ''): Promise<void> {
  const names = await readdir(from);
  const files = await Promise.all(
    names.map(async (name) => [under + name, await readFile(join(from, name))]),
  );
  server = await hubServer({ kind, files: Object.fromEntries(files) });
  Object.assign(process.env, { HF_ENDPOINT: server.endpoint, HF_HUB_CACHE: folder, BEIT_CACHE: folder });
}

test('a path on this machine wins; what is none may be a name', () => {
  const here = relative(process.cwd(), TRANSFORMERS);
  expect(modelLocation(here, 'model')).toBe(TRANSFORMERS);
  expect(modelLocation('packages/weights', 'model')).toBe(join(process.cwd(), 'packages/weights'));
  expect(modelLocation('owner/name@v1', 'model')).toBe('hf:owner/name@v1');
  expect(modelLocation('hf:packages/weights', 'model')).toBe('hf:packages/weights');
  expect(modelLocation('runs/emoji/model.safetensors', 'model')).toMatch(/^\//);
  expect(() => modelLocation('hf:name', 'model')).toThrow(/--model is 'hf:name'; expected hf:owner\/name/);
  expect(dataLocation('hf:owner/name', 'data')).toBe('hf:owner/name');
  expect(dataLocation('owner/name', 'data')).toBe(join(process.cwd(), 'owner/name'));
  expect(existsSync('owner')).toBe(false);
});

test('a model: the same as from its folder', async () => {
  await serve('model', TRANSFORMERS);
  const { path, ...loaded } = await loadPretrained('hf:owner/name');
  const { path: _, ...expected } = await loadPretrained(TRANSFORMERS);
  expect(loaded).toEqual(expected);
  expect(path).toBe('hf:owner/name');
  await expect(loadPretrained('hf:owner/other')).rejects.toThrow(
    /There is no path 'owner\/other' here\. Cannot read the model 'owner\/other' of the Hub: .*answered 404/,
  );
});

test('a data set in Parquet: splits, classes and their names', async () => {
  await serve('dataset', PARQUET, 'plain_text/');
  const onHub = await shardsAt('hf:owner/name', {});
  const expected = await shardsAt(PARQUET, {});
  expect(onHub?.classes).toEqual(expected?.classes);
  expect(onHub?.classes?.length).toBeGreaterThan(1);
  for (const part of ['train', 'validation'] as const) {
    expect([...onHub![part]!.source.names]).toEqual([...expected![part]!.source.names]);
    expect(onHub![part]!.labels).toEqual(expected![part]!.labels);
  }
});
