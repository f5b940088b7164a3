import { spawnSync } from 'node:child_process';
import { copyFile, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { type ImageSource, openShards, readPixels } from '../../src';
import { withParquet } from '../../src/shards/withParquet';
import { startProcess } from '../../src/threads/startProcess';

jest.mock('../../src/threads/startProcess', () => {
  const actual = jest.requireActual('../../src/threads/startProcess');
  return { startProcess: jest.fn(actual.startProcess) };
});

/** Written by Hugging Face's `datasets`, see `parquet.py`. */
const PARQUET = join(__dirname, '../fixtures/parquet');
const TRAIN = 'train-00000-of-00001.parquet';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'beit-parquet-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const cacheIn = (name: string, maxBytes = 2 ** 20) => ({ directory: join(folder, name), maxBytes });

async function first(source: ImageSource, index: number) {
  const { width, height, data } = await readPixels(source, index);
  return { size: [width, height], pixel: [...data.subarray(0, 3)] };
}

test('images, classes and their names are those that were written', async () => {
  const { classes, train, validation } = await openShards(PARQUET, { cache: cacheIn('cache') });
  expect(classes).toEqual(['cat', 'dog', 'eel']);
  expect(train.labels).toEqual(Int32Array.of(2, 0, 1, 1, 0));
  // What `parquet.py` prints.
  expect(await first(train.source, 0)).toEqual({ size: [10, 12], pixel: [95, 130, 194] });
  expect(await first(train.source, 3)).toEqual({ size: [13, 12], pixel: [183, 155, 86] });
  expect(await first(train.source, 4)).toEqual({ size: [14, 12], pixel: [107, 118, 107] });
  expect(validation!.labels).toEqual(Int32Array.of(1, 0));
  expect(await first(validation!.source, 0)).toEqual({ size: [13, 12], pixel: [183, 155, 86] });
  expect(await first(validation!.source, 1)).toEqual({ size: [11, 12], pixel: [234, 73, 3] });
  const cached = await readdir(join(folder, 'cache'));
  expect(cached.length).toBeGreaterThan(0);
  expect(cached.filter((name) => !/\.parquet\.tar(\.sha256|\.checked)?$/.test(name))).toEqual([]);
});

test('without a cache there is an error that asks for one', async () => {
  await expect(openShards(PARQUET)).rejects.toThrow(`${TRAIN}' needs a cache`);
});

test('damaged files and other ones are refused', async () => {
  const open = (name: string) => openShards(join(folder, name), { cache: cacheIn('refused') });
  await writeFile(join(folder, 'text.parquet'), 'text '.repeat(100));
  await expect(open('text.parquet')).rejects.toThrow(/text\.parquet' is no Parquet file that can be read/);
  await copyFile(join(PARQUET, TRAIN), join(folder, 'cut.parquet'));
  await truncate(join(folder, 'cut.parquet'), 5000);
  await expect(open('cut.parquet')).rejects.toThrow(/cut\.parquet' is no Parquet file/);

  const bytes = await readFile(join(PARQUET, TRAIN));
  await writeFile(join(folder, 'changed.parquet'), bytes.fill(0xff, 4, 300));
  const { train } = await open('changed.parquet');
  await expect(readPixels(train.source, 0)).rejects.toThrow(
    /changed\.parquet' is damaged in the rows 0 to 2/,
  );
  expect(await readdir(join(folder, 'refused'))).toEqual([]);
});

test('files of about one size are read by one process, a new one after a damaged file', async () => {
  await expect(withParquet('index', __filename)).rejects.toThrow('no Parquet file');
  const started = jest.mocked(startProcess).mock.calls.length;
  for (const name of [TRAIN, 'validation-00000-of-00001.parquet', TRAIN])
    await withParquet('index', join(PARQUET, name));
  expect(startProcess).toHaveBeenCalledTimes(started + 1);
});

test('a process that a damaged file keeps busy ends when it is left alone', async () => {
  const url = pathToFileURL(join(__dirname, '../../src/threads/startProcess.ts')).href;
  const script = `
    const { startProcess } = await import(${JSON.stringify(url)});
    const busy = 'setInterval(() => { if (process.listenerCount(\\'disconnect\\')) for (;;); }, 20)';
    process.env.NODE_OPTIONS = '--import "data:text/javascript,' + busy + '"';
    const child = startProcess('parquetProcess', 256);
    console.log(child.pid);
    setTimeout(() => process.kill(process.pid, 'SIGKILL'), 3000);`;
  const args = ['--conditions=@beit/source', '--import', 'tsx', '--input-type=module', '-e', script];
  const { stdout, signal } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  expect(signal).toBe('SIGKILL');
  const pid = Number(stdout);
  expect(pid).toBeGreaterThan(0);
  const isThere = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  for (let tries = 0; tries < 200 && isThere(); tries++) await setTimeout(100);
  expect(isThere()).toBe(false);
}, 60_000);
