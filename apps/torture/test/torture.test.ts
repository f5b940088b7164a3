import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { readMask } from '@beit/data';
import { createRandom } from '@beit/random';
import sharp from 'sharp';
import { type Attack, failed, SURVIVED } from '../src/attack';
import { files } from '../src/attacks/files';
import { campaign, inTurn } from '../src/campaign';
import { engineVictim } from '../src/engines/victim';
import { changeJson } from '../src/files/changeJson';
import { damage } from '../src/files/damage';
import { FORMATS } from '../src/files/formats';
import { mutate } from '../src/files/mutate';
import { randomPng } from '../src/files/randomPng';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'torture-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

test('cases take turns from the first seed on; what failed is kept, and repeats', async () => {
  const told: string[] = [];
  const attack = (name: string, isBad: (x: number) => boolean): Attack => ({
    name,
    about: '',
    async attempt({ random, folder }) {
      await writeFile(join(folder, 'evidence'), name);
      const x = random.integer(0, 9);
      return isBad(x) ? failed(`drew ${x}`) : SURVIVED;
    },
  });
  const attacks = [attack('never', () => false), attack('odd', (x) => x % 2 === 1)];
  const broken: Attack = {
    name: 'broken',
    about: '',
    attempt: () => Promise.reject(new Error('no such file')),
  };
  const options = { seed: 5, minutes: 1, folder };
  const run = (cases: number, seed = 5) =>
    campaign([...attacks, broken], {
      ...{ ...options, seed, cases },
      onCase: ({ attack: { name } }, own, why) => told.push(`${name} ${own} ${why ?? 'survived'}`),
    });
  const [never, odd, bad] = await run(6);
  expect([never!.tried, odd!.tried, never!.failed.length]).toEqual([6, 6, 0]);
  expect(odd!.failed.length).toBeGreaterThan(0);
  expect(bad!.failed[0]!.why).toBe('the case could not be made: no such file');
  expect(told.slice(0, 3).map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
    'never 5',
    'odd 5',
    'broken 5',
  ]);
  for (const { folder } of odd!.failed) expect(existsSync(join(folder, 'evidence'))).toBe(true);
  expect(readdirSync(folder).some((name) => name.startsWith('never'))).toBe(false);
  const { seed, why } = odd!.failed[0]!;
  expect((await run(1, seed))[1]!.failed[0]!.why).toBe(why);
});

test('every kind of attack has its turn early', () => {
  expect(inTurn([['a', 'b', 'c'], [], ['d'], ['e', 'f']])).toEqual(['a', 'd', 'e', 'b', 'f', 'c']);
});

test('a changed file is another one, and the same for a seed', () => {
  const whole = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
  const changed = Array.from({ length: 200 }, (_, seed) => mutate(whole, createRandom(seed)));
  expect(changed.filter((bytes) => Buffer.compare(bytes, whole) !== 0).length).toBeGreaterThan(180);
  changed.forEach((bytes, seed) => {
    expect(Buffer.compare(mutate(whole, createRandom(seed)), bytes)).toBe(0);
  });
  expect(whole[7]).toBe(7);
});

test('changed JSON says other things, and which', () => {
  const whole = { name: 'a', sizes: [16, 8], model: { depth: 2, wide: false } };
  const text = JSON.stringify(whole);
  const changed = Array.from({ length: 300 }, (_, seed) => changeJson(whole, createRandom(seed)));
  expect(JSON.stringify(whole)).toBe(text);
  expect(changed.filter(({ value }) => JSON.stringify(value) === text).length).toBeLessThan(15);
  const keys = new Set(changed.flatMap(({ keys }) => keys));
  for (const key of ['name', 'sizes', 'model', 'depth', 'wide', 'depths', 'DEPTH', '__proto__'])
    expect(keys).toContain(key);
  expect(changeJson(whole, createRandom(7))).toEqual(changed[7]);
});

test('masks of every kind are whole PNG files of the numbers that were drawn', async () => {
  for (let seed = 0; seed < 60; seed++) {
    const { bytes, samples } = randomPng(createRandom('png', seed));
    const path = join(folder, `${seed}.png`);
    await writeFile(path, bytes);
    const { width, height } = await sharp(bytes).metadata();
    expect([width, height]).toEqual([samples.width, samples.height]);
    await sharp(bytes, { failOn: 'warning' }).raw().toBuffer();
    expect([...(await readMask(path)).numbers]).toEqual([...samples.numbers]);
  }
});

test('a damaged file is told of as what it is, and the others stay as they are', async () => {
  const whole = Buffer.from(Uint8Array.from({ length: 5000 }, (_, i) => i % 251));
  const other = join(folder, 'other');
  await writeFile(other, 'other');
  const seen = new Set<string>();
  for (let seed = 0; seed < 60; seed++) {
    const path = join(folder, `file-${seed}`);
    await writeFile(path, whole);
    const { what, keepsSize, isGone } = await damage(path, seed % 2 ? [other] : [], createRandom(seed));
    seen.add(what.split(' ')[0]!);
    expect(existsSync(path)).toBe(!isGone);
    const now = isGone ? undefined : readFileSync(path);
    expect(now?.length === whole.length).toBe(keepsSize);
    expect(now?.equals(whole) ?? false).toBe(false);
  }
  expect([...seen].sort()).toEqual(['changed', 'cut', 'emptied', 'longer', 'removed', 'with']);
  expect(readFileSync(other, 'utf8')).toBe('other');
});

test('an engine is copied as links; one that is not installed is left out, with what brings it', async () => {
  const before = process.env.BEIT_CACHE;
  process.env.BEIT_CACHE = join(folder, 'cache');
  try {
    const victim = engineVictim('openvino', folder);
    expect(victim.missing()).toBe('it is not installed: npx @beit/engines install openvino brings it');
    const library = join(folder, 'cache/engines/openvino/libs/libtbb.so');
    const record = join(folder, 'cache/engines/openvino/install.json');
    await mkdir(dirname(library), { recursive: true });
    for (const path of [library, record]) await writeFile(path, basename(path));
    expect(victim.missing()).toBeUndefined();
    const files = await victim.copyInto(join(folder, 'other'));
    expect(files).toEqual([library, record].map((path) => path.replace('cache', 'other')).sort());
    expect(statSync(files[1]!).ino).toBe(statSync(library).ino);
  } finally {
    if (before === undefined) delete process.env.BEIT_CACHE;
    else process.env.BEIT_CACHE = before;
  }
});

test('changed checkpoints are the same or refused by name, in a process of their own', async () => {
  const format = FORMATS.find(({ name }) => name === 'checkpoint')!;
  expect(await files(format).attempt({ random: createRandom('files', 1), folder })).toEqual(SURVIVED);
});
