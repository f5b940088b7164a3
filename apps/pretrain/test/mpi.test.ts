/** Several processes, started by mpirun, train what one does. */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { largestFileDifference } from '@beit/measurements';
import { createRandom } from '@beit/random';
import { readMetrics } from '@beit/trainer';
import sharp from 'sharp';
import { ended } from '../../../tooling/jest/ended';
import { expectSameLosses } from '../../../tooling/jest/expectSameLosses';
import { LAUNCH, LAUNCHER, launch, NODE } from '../../../tooling/jest/mpirun';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';

const APP = join(__dirname, '..');
/** Sums in another order differ in the last bits, and AdamW enlarges what small gradients differ in. */
const TOLERANCE = 1e-4;

whereInstalled('Open MPI', () => {
  let folder: string;
  let own: string[];
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'pretrain-mpi-'));
    await mkdir(join(folder, 'pictures'));
    const random = createRandom('pictures');
    // Every place of a plain picture is like every other: where one ReLU is about to turn, all would turn at once.
    for (let i = 0; i < 40; i++) {
      const pixels = Uint8Array.from({ length: 3 * 64 * 64 }, () => random.integer(0, 255));
      await sharp(pixels, { raw: { width: 64, height: 64, channels: 3 } })
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

  const argumentsFor = (out: string, ...more: string[]) => [...own, '--out', join(folder, out), ...more];
  const run = (size: number, out: string, ...more: string[]) => launch(APP, size, argumentsFor(out, ...more));
  const difference = (a: string, b: string, file: string) =>
    largestFileDifference(join(folder, a, file), join(folder, b, file));

  /** Kills one of the processes when there is a checkpoint. @returns the launcher's status */
  async function killedOnTheWay(size: number, out: string, ...more: string[]): Promise<number | null> {
    const command = [...LAUNCH, '-n', String(size), ...NODE, ...argumentsFor(out, ...more)];
    const job = spawn(LAUNCHER, command, { cwd: APP, stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    job.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const exited = new Promise<number | null>((resolve) => job.once('exit', resolve));
    const checkpoints = join(folder, out, 'pretrain/checkpoints');
    while (
      !existsSync(checkpoints) ||
      !readdirSync(checkpoints).some((name) => name.endsWith('.safetensors'))
    ) {
      if (job.exitCode !== null) {
        const how = ended({ status: job.exitCode, stderr });
        throw new Error(`The job ended before its first checkpoint: ${JSON.stringify(how)}`);
      }
      await setTimeout(10);
    }
    const processes = execFileSync('pgrep', ['-P', String(job.pid)], { encoding: 'utf8' })
      .trim()
      .split('\n');
    process.kill(Number(processes.at(-1)), 'SIGKILL');
    return exited;
  }

  test('one process, to the end', () => {
    const { status, stderr } = run(1, 'alone');
    expect(stderr).not.toMatch(/Error/);
    expect(status).toBe(0);
  });

  const SHARDED = '--shard-optimizer';
  test.each([
    { before: [2], after: [3] },
    { before: [2, SHARDED], after: [3] },
    { before: [3], after: [2, SHARDED] },
  ] as const)(
    '$before processes, one killed, then $after to the end, give what one process gives',
    async ({ before: [size, ...firstOptions], after: [others, ...laterOptions] }) => {
      const out = ['together', size, ...firstOptions, others, ...laterOptions].join('-');
      const began = Date.now();
      expect(await killedOnTheWay(size, out, ...firstOptions)).not.toBe(0);
      expect(Date.now() - began).toBeLessThan(120_000);
      expect(existsSync(join(folder, out, 'model.safetensors'))).toBe(false);

      const { status, stdout, stderr } = run(others, out, '--resume', ...laterOptions);
      expect(status).toBe(0);
      expect(stderr).toMatch(new RegExp(`${others} processes, with Open MPI v\\d`));
      expect(stderr.match(/pretraining: continuing at step \d+ of 15/g)).toHaveLength(1);
      expect(stdout.match(/The report:/g)).toHaveLength(1);
      expect(await difference('alone', out, 'tokenizer.safetensors')).toBeLessThan(TOLERANCE);
      expect(await difference('alone', out, 'model.safetensors')).toBeLessThan(TOLERANCE);
      const losses = async (run: string) =>
        (await readMetrics(join(folder, run, 'pretrain'))).map(({ kind, step, loss }) => [kind, step, loss]);
      const [one, several] = [await losses('alone'), await losses(out)];
      expect(several.map(([kind, step]) => [kind, step])).toEqual(one.map(([kind, step]) => [kind, step]));
      for (const [i, [, , loss]] of one.entries()) expect(several[i]![2]).toBeCloseTo(Number(loss), 4);
    },
  );

  whereInstalled('XLA', () => {
    test('two processes, each with two devices of XLA, train what one process does on one', async () => {
      const model = { embedDim: 16, depth: 1, numHeads: 2 };
      const batch = { batchSize: 8, microBatchSize: 2 };
      const recipe = { extends: 'emoji', mim: { target: 'pixels', model, ...batch, epochs: 2 } };
      writeFileSync(join(folder, 'pixels.json'), JSON.stringify(recipe));
      const xla = ['--engine', 'xla', '--recipe', join(folder, 'pixels.json')];
      expect(ended(run(1, 'xla', ...xla))).toEqual({ status: 0 });
      for (const own of [[], [SHARDED]]) {
        const out = ['xla-devices', ...own].join('');
        expect(ended(run(2, out, ...xla, '--device', 'cpu:0,1', ...own))).toEqual({ status: 0 });
        expect(await difference('xla', out, 'model.safetensors')).toBeLessThan(TOLERANCE);
        await expectSameLosses(join(folder, out, 'pretrain'), join(folder, 'xla/pretrain'), 4);
      }
    }, 600_000);
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
    expect(images.stderr).toMatch(/rank 1: images is 30; rank 0 has 40/);
    expect(existsSync(join(folder, 'refused'))).toBe(false);
  });

  test('a process of another version is refused', () => {
    // The same program, but for one line of a package.
    const copy = join(folder, 'copy');
    mkdirSync(copy);
    for (const name of ['apps', 'packages', 'pnpm-lock.yaml', 'package.json'])
      cpSync(join(APP, '../..', name), join(copy, name), { recursive: true, verbatimSymlinks: true });
    symlinkSync(join(APP, '../../node_modules'), join(copy, 'node_modules'));
    appendFileSync(join(copy, 'packages/optim/src/adamW.ts'), '// Another version.\n');
    const each = [...NODE, ...own, '--out', join(folder, 'refused')];
    const { status, stderr } = spawnSync(
      LAUNCHER,
      [...LAUNCH, '-n', '1', ...each, ':', '-n', '1', '--wdir', join(copy, 'apps/pretrain'), ...each],
      { cwd: APP, encoding: 'utf8' },
    );
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/rank 1: version\.sources is "([0-9a-f]{16})"; rank 0 has "(?!\1)[0-9a-f]{16}"\n/);
  });

  test('what any process could not read is told', async () => {
    const broken = mkdtempSync(join(folder, 'broken-'));
    cpSync(join(folder, 'pictures'), broken, { recursive: true });
    const names = [3, 8, 13, 18, 23, 28].map((i) => `${i}.png`);
    for (const name of names) writeFileSync(join(broken, name), 'no picture');
    const options = ['--data', broken, '--target', 'pixels', '--epochs', '1'];
    expect(ended(run(2, 'unreadable', ...options))).toEqual({ status: 0 });
    expect(ended(run(1, 'unreadable-alone', ...options))).toEqual({ status: 0 });
    const told = (out: string) =>
      (JSON.parse(readFileSync(join(folder, out, 'unreadable.json'), 'utf8')) as { name: string }[])
        .map(({ name }) => name)
        .sort();
    expect(told('unreadable')).toEqual(told('unreadable-alone'));
    expect(told('unreadable').length).toBeGreaterThan(3);
  });

  test('a batch that cannot be shared is an error that says what to do', () => {
    const { status, stderr } = run(2, 'odd', '--batch-size', '9');
    expect(status).not.toBe(0);
    expect(stderr).toMatch(
      /A batch of 9 cannot be shared by 2 processes in micro-batches of 1. Take a batch size \(--batch-size\)/,
    );
  });
});
