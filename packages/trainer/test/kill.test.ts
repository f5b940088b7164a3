import { spawn } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { checkpointSteps, readMetrics, silentProgress, train } from '../src/index';
import { bitsOf, fakeBatch, fakeProgram } from './fakeProgram';

let runDir: string;
beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'trainer-kill-'));
});
afterEach(() => rm(runDir, { recursive: true }));

test('killed while it writes a checkpoint, a run continues bit for bit', async () => {
  const size = 1_000_000; // 8 MB a checkpoint, so that a kill finds it half-written.
  const totalSteps = 400;
  const child = spawn(
    process.execPath,
    [
      '--conditions=@beit/source',
      '--import',
      'tsx',
      join(__dirname, 'child.ts'),
      runDir,
      String(totalSteps),
      String(size),
    ],
    { stdio: 'inherit' },
  );
  const exited = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)));
  const names = () => readdir(join(runDir, 'checkpoints')).catch(() => [] as string[]);
  const writing = (list: string[]) => list.some((name) => name.endsWith('.tmp'));
  const complete = (list: string[]) => list.filter((name) => name.endsWith('.safetensors')).length;
  while (child.exitCode === null) {
    const list = await names();
    if (complete(list) >= 2 && writing(list)) break;
    await sleep(1);
  }
  child.kill('SIGKILL');
  expect(await exited).toBe('SIGKILL');

  const steps = await checkpointSteps(runDir);
  const stopped = steps.at(-1)!;
  expect(stopped).toBeGreaterThan(1);
  const total = stopped + 2;
  const options = {
    name: 'child',
    batch: fakeBatch,
    totalSteps: total,
    imagesPerStep: 1,
    config: { size },
    logEvery: 1,
    progress: silentProgress,
  };
  const continued = fakeProgram(size);
  await train({ ...options, program: continued, runDir });
  expect(continued.runs).toBe(2);
  expect(writing(await names())).toBe(false);

  const straight = fakeProgram(size);
  for (let step = 0; step < total; step++) await straight.run(await fakeBatch(step));
  expect((await bitsOf(continued)) === (await bitsOf(straight))).toBe(true);
  expect((await readMetrics(runDir)).map(({ step }) => step)).toEqual(
    Array.from({ length: total }, (_, i) => i + 1),
  );
}, 60_000);
