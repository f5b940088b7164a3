import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPjrt } from '@beit/installed';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { markdown } from '../src/check/markdown';
import { parseOptions } from '../src/check/options';
import { growBatch, isOutOfMemory } from '../src/check/parts/growBatch';
import { peakOf } from '../src/check/peaks';
import type { CheckReport } from '../src/check/rows';
import { shares } from '../src/check/shares';
import { failuresOf } from '../src/check/verdict';

const ROOT = join(__dirname, '../../..');
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'beit-check-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test.each([
  ['NVIDIA H200', 'bf16', 989],
  ['NVIDIA H100 80GB HBM3', 'tf32', 494],
  ['NVIDIA H100 PCIe', 'bf16', 756],
  ['NVIDIA A100-SXM4-40GB', 'fp32', 19.5],
  ['NVIDIA L4', 'bf16', 121],
  ['NVIDIA L40S', 'bf16', 362],
  ['NVIDIA GeForce RTX 4090', 'bf16', 165.2],
  ['Tesla T4', 'bf16', undefined],
  ['TPU v5 lite', 'bf16', 197],
  ['TPU v5', 'bf16', 459],
  ['TPU v4', 'fp32', undefined],
  ['cpu', 'fp32', undefined],
] as const)('the peak of %s in %s', (kind, precision, peak) => {
  expect(peakOf(kind, precision)).toBe(peak);
});

describe('a growing batch', () => {
  const growth = { first: 8, most: 4096, seconds: 100 };

  test('doubles until memory ends', async () => {
    const measured: number[] = [];
    const end = await growBatch(growth, async (batchSize) => {
      if (batchSize > 32)
        throw new Error('RESOURCE_EXHAUSTED: Out of memory while trying to allocate 8 bytes');
      measured.push(batchSize);
    });
    expect(measured).toEqual([8, 16, 32]);
    expect(end).toEqual({
      why: 'memory',
      batchSize: 64,
      message: expect.stringContaining('allocate 8 bytes'),
    });
  });

  test('ends where it was asked to, and before what would take too long', async () => {
    expect(await growBatch({ ...growth, most: 16 }, async () => {})).toEqual({ why: 'limit' });
    let time = 0;
    const measure = async (batchSize: number) => {
      time += batchSize;
    };
    // 8, 16 and 32 have taken 56 seconds, and 64 would take as many more.
    expect(await growBatch(growth, measure, () => time)).toEqual({ why: 'time', batchSize: 64 });
  });

  test('passes on what is no want of memory', async () => {
    const fails = growBatch(growth, () => Promise.reject(new Error('INTERNAL: no kernel')));
    await expect(fails).rejects.toThrow('no kernel');
    expect(isOutOfMemory('The memory of the device (cuda, NVIDIA L4) is too small.')).toBe(true);
    expect(isOutOfMemory('Array buffer allocation failed')).toBe(true);
  });
});

test('time that one part leaves is for the others', () => {
  let time = 0;
  const parts = shares(100, 4, () => time);
  expect(parts.take(1)).toBe(25);
  time = 10;
  expect(parts.take(2)).toBe(60);
  time = 95;
  expect(parts.take(1)).toBe(5);
  expect(parts.spent()).toBe(95);
});

test('options are checked', () => {
  expect(parseOptions(['--help'])).toBeUndefined();
  expect(parseOptions(['--engine', 'xla', '--device', 'cuda', '--minutes', '3'])).toEqual({
    device: 'cuda',
    minutes: 3,
    small: false,
  });
  expect(() => parseOptions(['--engine', 'openvino'])).toThrow(/for engine 'xla'; asked for: 'openvino'/);
  expect(() => parseOptions(['--device', 'gpu'])).toThrow(/--device is one of cuda, rocm/);
  expect(() => parseOptions(['--minutes', 'ten'])).toThrow(/--minutes is a number above 0; given: 'ten'/);
});

const FOUND: Omit<CheckReport, 'failures'> = {
  format: 'beit-check-1',
  date: '2026-01-01T00:00',
  command: 'beit-engine check',
  machine: {
    processor: 'A processor',
    cores: 8,
    memoryBytes: 2 ** 35,
    bf16Instructions: [],
    system: 'linux x64',
    node: 'v20.19.0',
    gpus: ['NVIDIA H200, 143771 MiB, 580.65.06, 5'],
  },
  device: 'cuda',
  model: 'ViT-B/16',
  plugin: {
    library: 'plugin.so',
    apiVersion: '0.115',
    attributes: {},
    platform: 'cuda',
    platformVersion: 'cuda\n13',
    devices: [{ id: 0, kind: 'NVIDIA H200', memory: { inUse: 0, limit: 2 ** 36 } }],
  },
  parity: [
    { file: 'mim-abs.safetensors', precision: 'fp32', group: 'loss', error: 1e-7, tolerance: 1e-4 },
    { file: 'mim-abs.safetensors', precision: 'fp32', group: 'logits', error: 2e-6, tolerance: 1e-4 },
  ],
  resume: [{ precision: 'fp32', changedByFile: 0, apart: 2e-6, apartWhenRepeated: 1e-6 }],
  speed: [
    {
      of: 'ours',
      precision: 'bf16',
      batchSize: 256,
      compileSeconds: 20,
      seconds: 0.05,
      steps: 20,
      gflop: 13_000,
      memoryBytes: 3 * 2 ** 34,
      loss: 9,
    },
  ],
  ends: [{ precision: 'bf16', why: 'memory', batchSize: 512 }],
  twoDevices: [],
  peerVersions: { PyTorch: '2.9' },
  errors: [],
  notes: ['two devices against one: this machine shows one'],
  seconds: 300,
};

test('a report reads as tables', () => {
  const text = markdown({ ...FOUND, failures: failuresOf(FOUND) });
  expect(text).toMatch(/^### XLA on NVIDIA H200: all as expected\n/);
  expect(text).toMatch(/^\| mim-abs +\| fp32 +\| logits +\| 2\.0e-6 \| 1\.0e-4 /m);
  // 260 TFLOP/s of 989.
  expect(text).toMatch(/^\| ours \| bf16 .* 5120\.0 .* 260\.0 .* 26\.3 % .* 48\.0 GiB .* 20\.0 s /m);
  expect(text).toContain('bf16 ended before batch 512, for the want of memory.');
  expect(text).toMatch(/apart by 2\.0e-6 +\| apart by 1\.0e-6/);
  expect(text).toContain('NVIDIA H200, 143771 MiB');
  expect(text).not.toContain('#### Two devices');
});

test('numbers that are wrong, or are not there, fail the check', () => {
  const wrong = {
    ...FOUND,
    parity: [
      { file: 'dvae.safetensors', precision: 'fp32', group: 'kl', error: Number.NaN, tolerance: 1e-4 },
      { file: 'upernet.safetensors', precision: 'fp32', message: 'no such op' },
    ],
    resume: [{ precision: 'fp32', changedByFile: 1, apart: 0, apartWhenRepeated: 0 }],
    errors: [
      { part: 'parity in bf16', message: 'crashed' },
      { part: 'parity in fp32', message: 'ended after 60 s', isLate: true },
      { part: 'two devices', message: 'crashed' },
    ],
  } as const satisfies Omit<CheckReport, 'failures'>;
  const failures = failuresOf(wrong);
  expect(failures).toEqual([
    expect.stringContaining('parity in bf16 did not come'),
    expect.stringContaining('kl is off by NaN'),
    expect.stringContaining('no such op'),
    expect.stringContaining('1 numbers changed by the file'),
  ]);
  const text = markdown({ ...wrong, failures });
  expect(text).toMatch(/^### .*: 4 wrong\n/);
  expect(text).toMatch(/^\| dvae .*NaN .*WRONG/m);
  // On CPUs the same steps give the same bits.
  expect(failuresOf({ ...FOUND, device: 'cpu' })).toEqual([expect.stringContaining('apart by 0.000002')]);
});

const readReport = (file: string): CheckReport => JSON.parse(readFileSync(join(folder, file), 'utf8'));

test('beit-engine check says what it can do', () => {
  const program = ['--conditions=@beit/source', '--import', 'tsx', join(__dirname, '../src/cli.ts')];
  const { stdout } = spawnSync(process.execPath, [...program, 'check', '--help'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  expect(stdout).toMatch(/^Usage: beit-engine check/);
});

whereInstalled('XLA', () => {
  test('the small check, from beginning to end', () => {
    const program = ['--conditions=@beit/source', '--import', 'tsx', join(__dirname, '../src/cli.ts')];
    const args = ['check', '--small', '--device', 'cpu', '--precision', 'bf16'];
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [...program, ...args, '--json', join(folder, 'check.json')],
      { cwd: ROOT, encoding: 'utf8' },
    );
    expect(stdout + stderr).toContain('### XLA on cpu: all as expected');
    const report = readReport('check.json');
    expect(report).toMatchObject({ failures: [], errors: [], device: 'cpu' });
    expect(report.resume).toMatchObject([{ changedByFile: 0, apart: 0 }]);
    expect(report.speed.map(({ batchSize }) => batchSize)).toEqual([2, 4]);
    expect(report.twoDevices).toHaveLength(1);
  }, 600_000);
});

describe('the bundle', () => {
  const bundle = () => join(folder, 'bundle');
  beforeAll(() => {
    const script = join(ROOT, 'scripts/bundleCheck.mjs');
    const { status, stderr } = spawnSync(process.execPath, [script, bundle()], { encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: expect.any(String) });
    chmodSync(bundle(), 0o555);
  }, 600_000);
  afterAll(() => chmodSync(bundle(), 0o755));

  /** With an empty environment, in a folder with nothing in reach. */
  const run = (...args: string[]) =>
    spawnSync(join(bundle(), 'check.sh'), args, { cwd: '/', env: {}, encoding: 'utf8' });

  test('has at most 60 MB and starts where nothing else is', () => {
    const sizes = readdirSync(bundle(), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ parentPath, name }) => statSync(join(parentPath, name)).size);
    expect(sizes.reduce((sum, size) => sum + size)).toBeLessThanOrEqual(60e6);
    const { status, stdout } = run('--help');
    expect({ status, stdout }).toEqual({ status: 0, stdout: expect.stringMatching(/^Usage: /) });
  });

  whereInstalled('XLA', () => {
    test('checks a plugin that it is shown', async () => {
      const plugin = (await findPjrt({ device: 'cpu' }))?.library;
      const json = join(folder, 'bundle.json');
      const { stdout, stderr } = run(
        '--small',
        '--precision',
        'fp32',
        '--plugin',
        String(plugin),
        '--json',
        json,
      );
      expect(stdout + stderr).toContain('### XLA on cpu: all as expected');
      expect(readReport('bundle.json')).toMatchObject({ failures: [], errors: [] });
    }, 600_000);
  });
});
