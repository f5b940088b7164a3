import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openShards } from '@beit/data';
import sharp from 'sharp';
import { appProcess } from '../../../tooling/jest/appProcess';
import { ended } from '../../../tooling/jest/ended';
import { parseOptions } from '../src/options';

const { start } = appProcess(join(__dirname, '..'));

let folder: string;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'shards-'));
  for (const [i, name] of ['cat', 'dog'].entries()) {
    mkdirSync(join(folder, 'photos', name), { recursive: true });
    for (let j = 0; j < 5; j++) {
      const background = { r: 40 * j, g: 200 * i, b: 90 };
      await sharp({ create: { width: 20, height: 16, channels: 3, background } }).toFile(
        join(folder, 'photos', name, `${j}.png`),
      );
    }
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('write packs a folder with its classes; verify finds what has changed', async () => {
  const out = join(folder, 'classes');
  const write = ['write', join(folder, 'photos'), '--classes', '--out', out, '--images-per-shard', '3'];
  const { status, stdout, stderr } = start(...write);
  expect({ status, stdout }).toEqual({
    status: 0,
    stdout: `Written to ${out}: 10 images in 4 shards (0.0 MB) of 2 classes, and index.json.\n`,
  });
  expect(stderr).toMatch(/train 8\/8 {2}[\d.]+ img\/s {2}0:00 left/);
  expect(readdirSync(out).sort()).toEqual([
    'index.json',
    'train-000000.tar',
    'train-000001.tar',
    'train-000002.tar',
    'val-000000.tar',
  ]);
  const { classes, train, validation } = await openShards(out);
  expect(classes).toEqual(['cat', 'dog']);
  expect([...train.labels!].sort()).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  expect([...validation!.labels!].sort()).toEqual([0, 1]);

  expect(start('verify', out, '--quiet')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('all as the index says'),
  });
  expect(ended(start(...write, '--quiet'))).toEqual({ status: 0 });
  truncateSync(join(out, 'train-000001.tar'), 1024);
  const verified = start('verify', out, '--quiet');
  expect(verified.status).toBe(1);
  expect(verified.stderr).toMatch(/train-000001\.tar' has 1024 bytes; the index says \d+/);
  expect(verified.stdout).toContain('1 are not as the index says');
});

test('index describes shards that have none, as write does', () => {
  const out = join(folder, 'plain');
  expect(ended(start('write', join(folder, 'photos'), '--out', out, '--quiet'))).toEqual({ status: 0 });
  const bare = join(folder, 'bare');
  mkdirSync(bare);
  copyFileSync(join(out, 'train-000000.tar'), join(bare, 'train-000000.tar'));
  expect(
    start('index', join(bare, 'train-{000000..000000}.tar'), '--out', join(bare, 'index.json')).status,
  ).toBe(0);
  expect(readFileSync(join(bare, 'index.json'), 'utf8')).toBe(readFileSync(join(out, 'index.json'), 'utf8'));
});

test('an index is not written over the shard that it describes', () => {
  const plain = join(folder, 'plain-shard');
  mkdirSync(plain);
  copyFileSync(join(folder, 'classes', 'val-000000.tar'), join(plain, 'a.tar'));
  const { status, stderr } = start('index', plain, '--out', join(plain, 'a.tar'));
  expect([status, stderr]).toEqual([
    1,
    expect.stringMatching(/a\.tar' would be written over, and it is an input/),
  ]);
  expect(
    readFileSync(join(plain, 'a.tar')).equals(readFileSync(join(folder, 'classes', 'val-000000.tar'))),
  ).toBe(true);
});

test('an index is not written over that of another set', async () => {
  const out = join(folder, 'one-set');
  const write = (...args: string[]) =>
    start('write', join(folder, 'photos'), '--out', out, '--quiet', ...args);
  expect(ended(write())).toEqual({ status: 0 });
  const before = readFileSync(join(out, 'index.json'), 'utf8');
  for (const other of [['--classes'], ['--images-per-shard', '4']]) {
    const { status, stderr } = write(...other);
    expect(status).toBe(1);
    expect(stderr).toMatch(/index\.json' is of another set, of 10 images in 1 shards .*Give another --out/);
  }
  expect(readdirSync(out).sort()).toEqual(['index.json', 'train-000000.tar']);
  expect(readFileSync(join(out, 'index.json'), 'utf8')).toBe(before);
  expect(ended(write())).toEqual({ status: 0 });

  const foreign = join(folder, 'foreign.json');
  writeFileSync(foreign, '{"title":"mine"}');
  expect(start('index', join(out, 'train-000000.tar'), '--out', foreign)).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('is no index of shards, and would be written over'),
  });
  expect(readFileSync(foreign, 'utf8')).toBe('{"title":"mine"}');
});

test('files that are no pictures are counted', () => {
  const mixed = join(folder, 'mixed');
  mkdirSync(mixed);
  copyFileSync(join(folder, 'photos/cat/0.png'), join(mixed, '0.png'));
  writeFileSync(join(mixed, 'a.heic'), 'x');
  writeFileSync(join(mixed, 'notes.txt'), 'x');
  const { status, stderr } = start('write', mixed, '--out', join(folder, 'of-mixed'));
  expect(status).toBe(0);
  expect(stderr).toMatch(
    /2 files were passed over for the ending of the name: 1 \.heic, 1 \.txt\. Pictures in \.heic/,
  );
});

test('mistakes are named', () => {
  expect(parseOptions(['--help'])).toBe('help');
  expect(() => parseOptions([])).toThrow('A command is missing. Commands: write, index, verify');
  expect(() => parseOptions(['pack', 'a'])).toThrow("There is no command 'pack'");
  expect(() => parseOptions(['write', 'a'])).toThrow("'write' needs --out, a folder");
  expect(() => parseOptions(['write', 'a', 'b', '--out', 'c'])).toThrow("'b' is too much");
  expect(() => parseOptions(['write', 'a', '--out', 'c', '--images-per-shard', '0'])).toThrow(
    "--images-per-shard is '0'",
  );
  const absent = start('write', join(folder, 'absent'), '--out', join(folder, 'x'));
  expect(absent).toMatchObject({ status: 1, stderr: expect.stringContaining("There is no folder '") });
  expect(existsSync(join(folder, 'x'))).toBe(false);
  expect(start('verify', join(folder, 'bare/train-000000.tar'))).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('has no index'),
  });
  for (const nowhere of ['nowhere', 'nowhere/train-{000..001}.tar'])
    expect(start('verify', join(folder, nowhere))).toMatchObject({
      status: 1,
      stderr: expect.stringMatching(
        /There is no '.*nowhere.*'; expected shards \(\.tar, \.parquet\), an index/,
      ),
    });
  expect(start('verify', join(folder, 'photos'))).toMatchObject({
    status: 1,
    stderr: expect.stringContaining('has neither shards nor an index'),
  });
});
