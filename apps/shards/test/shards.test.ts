import {
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
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
});
