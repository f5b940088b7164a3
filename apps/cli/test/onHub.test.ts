/** Names on the Hub where the apps take paths, against a server on this machine that speaks the Hub's API. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fields, recipeName } from '@beit/schemas';
import { COMMIT, type HubServer, hubServer } from '../../../packages/hub/test/hubServer';
import {
  dataLocation,
  loadPretrained,
  modelLocation,
  option,
  outOptions,
  parseOptionTable,
  readTexts,
  resolveRun,
  shardsAt,
  text,
} from '../src/index';

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
});

test('what is neither a path nor a name is looked for as both, as a path first', async () => {
  await serve('model', TRANSFORMERS);
  const path = join(process.cwd(), 'owner/other');
  await expect(loadPretrained(modelLocation('owner/other', 'model'))).rejects.toThrow(
    new RegExp(
      `^There is no path '${path}' here\\. Cannot read the model 'owner/other' of the Hub: .*answered 404`,
    ),
  );
  await expect(loadPretrained('hf:packages/weights')).rejects.toThrow(/^Cannot read the model/);
});

test('where Parquet files have no names of classes, those of the card', async () => {
  const names = (await shardsAt(PARQUET, {}))!.classes!;
  const nameless = await Promise.all(
    (await readdir(PARQUET)).map(async (name) => {
      const bytes = await readFile(join(PARQUET, name));
      const key = bytes.lastIndexOf('huggingface');
      expect(key).toBeGreaterThan(0);
      bytes.write('someoneelse', key);
      return [name, bytes] as const;
    }),
  );
  const list = names.map((name, i) => `        '${i}': ${JSON.stringify(`the ${name}`)}`).join('\n');
  const card = `---\ndataset_info:\n  features:\n  - name: label\n    dtype:\n      class_label:\n       names:\n${list}\n---\n`;
  server = await hubServer({
    kind: 'dataset',
    files: Object.fromEntries([...nameless, ['README.md', Buffer.from(card)]]),
  });
  Object.assign(process.env, { HF_ENDPOINT: server.endpoint, HF_HUB_CACHE: folder, BEIT_CACHE: folder });
  const onHub = await shardsAt('hf:owner/name', {});
  expect(onHub!.classes).toEqual(names.map((name) => `the ${name}`));
  expect(onHub!.train.labels).toBeDefined();
});

describe('a run that began with a name', () => {
  const TABLE = {
    recipe: option('NAME', 'its name', text, 'small'),
    ...outOptions(''),
    data: option('DIR', 'pictures', dataLocation),
    checkpoint: option('PATH', 'a start', modelLocation),
  };
  const resolved = (...args: string[]) => {
    const asked = parseOptionTable(TABLE, args);
    if (asked === 'help') throw new Error('There is only help.');
    return resolveRun({
      trains: true,
      asked,
      read: (texts) => readTexts(TABLE, texts),
      recipes: [{ name: 'small' }],
      schema: fields({ name: recipeName }),
      overrides: [],
      override: (recipe) => recipe,
      prefix: '',
    });
  };

  test.each([
    ['model', 'checkpoint', TRANSFORMERS],
    ['dataset', 'data', PARQUET],
  ] as const)('of a %s goes on with what it stood for then', async (kind, name, from) => {
    await serve(kind, from);
    const out = join(folder, 'run');
    const begun = await resolved(`--${name}`, 'hf:owner/name', '--out', out);
    expect(begun.values[name]).toBe(`hf:owner/name@${COMMIT}`);
    expect(begun.how).toEqual({ [name]: 'hf:owner/name', [`${name}-commit`]: COMMIT });
    await mkdir(out);
    const { recipe, how } = begun;
    await writeFile(join(out, 'recipe.json'), JSON.stringify({ ...recipe, run: how }));
    server!.asked();
    for (const again of [[], [`--${name}`, 'hf:owner/name']]) {
      const continued = await resolved('--resume', '--out', out, ...again);
      expect(continued.values[name]).toBe(`hf:owner/name@${COMMIT}`);
      expect(continued.how).toEqual(how);
    }
    expect(server!.asked()).toEqual([]);
    await expect(resolved('--resume', '--out', out, `--${name}`, 'hf:owner/name@v2')).rejects.toThrow(
      new RegExp(`--${name}: "hf:owner/name" in the run, "hf:owner/name@v2" now`),
    );
  });
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
