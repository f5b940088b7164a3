import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  describeFile,
  engineDamage,
  engineFolder,
  formatInstallRecord,
  here,
  type InstalledFile,
  installRecord,
  loadInstalled,
} from '../src';

const FILES = { 'libs/libopenvino_c.so.2641': 'the C library', 'libs/libtbb.so.12': 'threads' };
const LIBRARY = 'libs/libtbb.so.12';

let cache: string;
let folder: string;
const machine = () => ({ ...here(), env: { BEIT_CACHE: cache } });
beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), 'beit-load-'));
  folder = engineFolder('openvino', machine());
  const files: Record<string, InstalledFile> = {};
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
    files[path] = await describeFile(join(folder, path));
  }
  await writeFile(join(folder, 'install.json'), formatInstallRecord({ ...RECORD, files }));
});
afterEach(() => rm(cache, { recursive: true }));

const RECORD = { name: 'openvino', version: '1.0', file: 'openvino-1.0.whl', sha256: 'ab' } as const;
const load = () => loadInstalled('openvino', machine());
const marks = async () => (await readdir(folder)).filter((name) => name.startsWith('loading-'));
/** Of a process that has ended. */
const deadPid = () => spawnSync(process.execPath, ['--version']).pid;

test('a whole engine is marked until it has worked', async () => {
  const guard = await load();
  expect(await marks()).toEqual([expect.stringMatching(`^loading-${process.pid}-`)]);
  expect(await guard.attempt(() => 42)).toBe(42);
  expect(await marks()).toHaveLength(1);
  guard.done();
  expect(await marks()).toEqual([]);
});

test.each([
  [
    'cut off',
    /libtbb\.so\.12 has 3 bytes instead of 7.*'npx @beit\/engines install openvino'/,
    () => truncate(join(folder, LIBRARY), 3),
  ],
  ['missing', /libtbb\.so\.12 is missing/, () => rm(join(folder, LIBRARY))],
  ['without its record', /install\.json is missing or damaged/, () => rm(join(folder, 'install.json'))],
  [
    'with half a record',
    /install\.json is missing or damaged/,
    () => truncate(join(folder, 'install.json'), 9),
  ],
])('one that is %s is not loaded', async (_, message, damage) => {
  await damage();
  await expect(load()).rejects.toThrow(message);
  expect(await marks()).toEqual([]);
});

test('other bytes are found after a process ended while it was loading, until they are mended', async () => {
  await writeFile(join(folder, LIBRARY), 'THREADS');
  const unnoticed = await load();
  await expect(
    unnoticed.attempt(() => {
      throw new Error('undefined symbol');
    }),
  ).rejects.toThrow(/libtbb\.so\.12 has the sha256 [0-9a-f]{64} instead of/);
  unnoticed.done();

  const mark = join(folder, `loading-${deadPid()}-0`);
  await writeFile(mark, '');
  for (let i = 0; i < 2; i++) await expect(load()).rejects.toThrow(/has the sha256/);
  await writeFile(join(folder, LIBRARY), 'threads');
  (await load()).done();
  expect(await marks()).toEqual([]);
});

test('a mark of a process that lives says nothing, of one before it that had the same number it does', async () => {
  await writeFile(join(folder, LIBRARY), 'THREADS');
  await writeFile(join(folder, `loading-${process.ppid}-0`), '');
  const own = join(folder, `loading-${process.pid}-7`);
  await writeFile(own, '');
  (await load()).done();
  await utimes(own, 1, 1);
  await expect(load()).rejects.toThrow(/has the sha256/);
});

test('a failure of a whole engine is told as it is', async () => {
  const guard = await load();
  const failing = guard.attempt(() => Promise.reject(new Error('no such device')));
  await expect(failing).rejects.toThrow('no such device');
  guard.done();
});

test('a record that was changed anywhere is none', async () => {
  const path = join(folder, 'install.json');
  const whole = await readFile(path, 'utf8');
  expect(await engineDamage('openvino', 'contents', machine())).toEqual([]);
  for (const [from, to] of [
    ['"files"', '"fires"'],
    ['"sha256": "ab"', '"sha256": "cb"'],
    ['"version": "1.0"', '"version": "1.1"'],
    ['"bytes": 7', '"bytes": 3'],
    ['"digest"', '"digets"'],
  ] as const) {
    expect(whole).toContain(from);
    await writeFile(path, whole.replace(from, to));
    expect(await engineDamage('openvino', 'sizes', machine())).toEqual([`${path} is missing or damaged`]);
  }
});

test.each([
  ['[]'],
  ['{"name":"openvino"}'],
  ['null'],
  ['{"name":"openvino","version":"1","file":"f","sha256":"s","files":{"a":1}}'],
  ['{"name":"tensorflow","version":"1","file":"f","sha256":"s"}'],
])('the record %s is none', async (text) => {
  await writeFile(join(folder, 'install.json'), text);
  await expect(installRecord('openvino', machine())).rejects.toThrow(
    /install\.json is damaged; 'npx @beit\/engines install openvino' installs it anew/,
  );
});
