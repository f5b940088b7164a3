/** `pnpm scaling` as a user starts it, on a recipe of seconds. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import type { ScalingReport } from '../src/scaling/page/report';

const MAIN = join(__dirname, '../src/scaling/main.ts');

let folder: string;
let recipe: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'scaling-'));
  recipe = join(folder, 'tiny.json');
  const tiny = {
    extends: 'emoji',
    tokenizer: { model: { vocabSize: 64, hiddenDim: 8, decoderInitDim: 8 } },
    mim: { model: { embedDim: 32, depth: 1 }, batchSize: 8, microBatchSize: 8 },
  };
  writeFileSync(recipe, JSON.stringify(tiny));
});
afterAll(() => rmSync(folder, { recursive: true }));

const start = (...args: string[]) =>
  spawnSync('node', ['--conditions=@beit/source', '--import', 'tsx', MAIN, '--recipe', recipe, ...args], {
    encoding: 'utf8',
  });

whereInstalled('mpirun', () => {
  test('predicts and checks one and two ranks', () => {
    const { status, stdout, stderr } = start('--ranks', '1,2', '--check', '--steps', '3', '--json');
    expect(stderr).not.toMatch(/Error/);
    expect(status).toBe(0);
    const { rows, networks, task } = JSON.parse(stdout) as ScalingReport;
    expect(task.batchSize).toBe(8);
    expect(networks.map(({ ranks }) => ranks)).toEqual([2]);
    expect(networks[0]!.bandwidth).toBeGreaterThan(0);
    for (const [i, { prediction, measured, workBytes }] of rows.entries()) {
      expect(prediction.work).toMatchObject({ microBatchSize: 8 / (i + 1), parts: 1, together: i > 0 });
      expect(prediction.seconds.step).toBeGreaterThan(0);
      expect(measured!.step).toBeGreaterThan(0);
      expect(measured!.steps.length).toBe(3);
      expect(measured!.error).toBeCloseTo(prediction.seconds.step / measured!.step - 1, 10);
      // The same work, with and without the others.
      expect(measured!.peakBytes / workBytes!).toBeGreaterThan(0.5);
      expect(measured!.peakBytes / workBytes!).toBeLessThan(2);
    }
  });
});

test('plans for devices that are not here, and writes its page with the paper’s run', () => {
  const { status, stderr } = start(
    ...['--images-per-second', '1000', '--bandwidth', '10Gb/s', '--ranks', '1,8'],
    ...['--write', '--out', folder],
  );
  expect(stderr).not.toMatch(/Error/);
  expect(status).toBe(0);
  const page = readFileSync(join(folder, 'scaling.md'), 'utf8');
  expect(page).toMatch(/A rank trains on 1000 images a second, as was said, not measured/);
  expect(page).toMatch(/\*\*Reported\*\* by the paper: about 5 days/);
  expect(page).not.toMatch(/NaN|undefined|Infinity/);
  expect(page).not.toContain(`${folder}/scaling`);
  expect(existsSync(join(folder, 'scaling.svg'))).toBe(true);
  const { paper } = JSON.parse(readFileSync(join(folder, 'scaling.json'), 'utf8')) as ScalingReport;
  expect(paper!.task.steps).toBe(500_000);
  // The paper's own days lie among those that are predicted.
  const days = paper!.rows.map(({ prediction }) => prediction.totalSeconds / 86_400);
  expect(Math.min(...days)).toBeLessThan(5);
  expect(Math.max(...days)).toBeGreaterThan(5);
  expect(paper!.memory.total).toBeLessThan(32e9);
});

test('mistakes are told before anything is measured', () => {
  const shares = start('--ranks', '3');
  expect(shares.status).toBe(1);
  expect(shares.stderr).toMatch(/A batch of 8 cannot be shared by 3 processes/);
  const launcher = start('--launcher', 'mpirun.nowhere');
  expect(launcher.status).toBe(1);
  expect(launcher.stderr).toMatch(/--launcher is 'mpirun.nowhere', which cannot be run here. Install MPI/);
});
