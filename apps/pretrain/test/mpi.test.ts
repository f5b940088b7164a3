/** Several processes, started by mpirun, train what one does. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createRandom } from '@beit/random';
import { readMetrics } from '@beit/trainer';
import sharp from 'sharp';
import { largestDifference } from '../src/scaling/largestDifference';

const APP = join(__dirname, '..');
const LAUNCHER = 'mpirun.openmpi';
const LAUNCH = ['--allow-run-as-root', '--oversubscribe', '--bind-to', 'none'];
const NODE = ['node', '--conditions=@beit/source', '--import', 'tsx', 'src/main.ts'];

/** Sums in another order differ in the last bits, and AdamW enlarges what small gradients differ in. */
const TOLERANCE = 1e-4;

const isInstalled = spawnSync(LAUNCHER, ['--version']).status === 0;
if (!isInstalled && !process.env.CI)
  console.warn(`Tests of several processes are skipped: there is no ${LAUNCHER}.`);

(isInstalled || process.env.CI ? describe : describe.skip)('mpirun', () => {
  let folder: string;
  let own: string[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pretrain-mpi-'));
    await mkdir(join(folder, 'pictures'));
    const random = createRandom('pictures');
    for (let i = 0; i < 40; i++) {
      const channel = () => random.integer(0, 255);
      const background = { r: channel(), g: channel(), b: channel() };
      await sharp({ create: { width: 64, height: 64, channels: 3, background } })
        .png()
        .toFile(join(folder, 'pictures', `${i}.png`));
    }
    // Shared by 1, 2, 3 or 4 processes it has the same micro-batches.
    const batch = { batchSize: 12, microBatchSize: 1 };
    const recipe = {
      extends: 'emoji',
      tokenizer: { model: { vocabSize: 64, hiddenDim: 8, decoderInitDim: 8 }, ...batch, epochs: 1 },
      mim: { model: { embedDim: 32, depth: 2, dropPathRate: 0.1 }, ...batch, epochs: 5, warmupEpochs: 1 },
    };
    writeFileSync(join(folder, 'recipe.json'), JSON.stringify(recipe));
    own = ['--recipe', join(folder, 'recipe.json'), '--data', join(folder, 'pictures'), '--threads', '1'];
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const command = (size: number, out: string, ...more: string[]) => [
    ...[...LAUNCH, '-n', String(size), ...NODE, ...own],
    ...['--out', join(folder, out), ...more],
  ];
  const launch = (size: number, out: string, ...more: string[]) =>
    spawnSync(LAUNCHER, command(size, out, ...more), { cwd: APP, encoding: 'utf8' });

  const difference = (a: string, b: string, file: string) =>
    largestDifference(join(folder, a, file), join(folder, b, file));

  /** Kills one of the processes when there is a checkpoint. @returns the launcher's status */
  async function killedOnTheWay(size: number, out: string): Promise<number | null> {
    const job = spawn(LAUNCHER, command(size, out), { cwd: APP, stdio: 'ignore' });
    const ended = new Promise<number | null>((resolve) => job.once('exit', resolve));
    const checkpoints = join(folder, out, 'pretrain/checkpoints');
    while (
      !existsSync(checkpoints) ||
      !readdirSync(checkpoints).some((name) => name.endsWith('.safetensors'))
    ) {
      if (job.exitCode !== null) throw new Error('The job ended before its first checkpoint.');
      await setTimeout(10);
    }
    const processes = execFileSync('pgrep', ['-P', String(job.pid)], { encoding: 'utf8' })
      .trim()
      .split('\n');
    process.kill(Number(processes.at(-1)), 'SIGKILL');
    return ended;
  }

  test('two processes, one killed, then three to the end, give what one process gives', async () => {
    const alone = launch(1, 'alone');
    expect(alone.stderr).not.toMatch(/Error/);
    expect(alone.status).toBe(0);

    const began = Date.now();
    expect(await killedOnTheWay(2, 'together')).not.toBe(0);
    expect(Date.now() - began).toBeLessThan(120_000);
    expect(existsSync(join(folder, 'together/model.safetensors'))).toBe(false);

    const { status, stdout, stderr } = launch(3, 'together', '--resume');
    expect(status).toBe(0);
    expect(stderr).toMatch(/3 processes, with Open MPI v\d/);
    expect(stderr.match(/pretraining: continuing at step \d+ of 15/g)).toHaveLength(1);
    expect(stdout.match(/The report:/g)).toHaveLength(1);
    expect(await difference('alone', 'together', 'tokenizer.safetensors')).toBeLessThan(TOLERANCE);
    expect(await difference('alone', 'together', 'model.safetensors')).toBeLessThan(TOLERANCE);
    const losses = async (run: string) =>
      (await readMetrics(join(folder, run, 'pretrain'))).map(({ kind, step, loss }) => [kind, step, loss]);
    const [one, several] = [await losses('alone'), await losses('together')];
    expect(several.map(([kind, step]) => [kind, step])).toEqual(one.map(([kind, step]) => [kind, step]));
    for (const [i, [, , loss]] of one.entries()) expect(several[i]![2]).toBeCloseTo(Number(loss), 4);
  });

  test('a process with another recipe or other images is refused, and all learn why', () => {
    const other = (...change: string[]) => {
      const each = [...NODE, ...own, '--out', join(folder, 'refused')];
      return spawnSync(LAUNCHER, [...LAUNCH, '-n', '1', ...each, ':', '-n', '1', ...each, ...change], {
        cwd: APP,
        encoding: 'utf8',
      });
    };
    const seed = other('--seed', '7');
    expect(seed.status).not.toBe(0);
    expect(seed.stderr).toMatch(
      /The processes of this job do not agree:\s+rank 1: recipe\.seed is 7; rank 0 has 0\n/,
    );

    const fewer = mkdtempSync(join(folder, 'fewer-'));
    for (let i = 0; i < 30; i++)
      execFileSync('cp', [join(folder, 'pictures', `${i}.png`), join(fewer, `${i}.png`)]);
    const images = other('--data', fewer);
    expect(images.status).not.toBe(0);
    expect(images.stderr).toMatch(/rank 1: images is 28; rank 0 has 38/);
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });

  test('a batch that cannot be shared is an error that says what to do', () => {
    const { status, stderr } = launch(2, 'odd', '--batch-size', '9');
    expect(status).not.toBe(0);
    expect(stderr).toMatch(
      /A batch of 9 cannot be shared by 2 processes in micro-batches of 1. Give a --batch-size/,
    );
  });
});
