import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentProgress } from '@beit/progress';
import { flattenTensors, type HostTensor, scalar, type Tree } from '@beit/tensors';
import { loadSafetensors, saveSafetensors } from '@beit/weights';
import { checkpointPath, checkpointSteps, checksumOf, loadCheckpoint } from '../src/checkpoint';
import { readMetrics } from '../src/metricsLog';
import { NonFiniteError } from '../src/nonFinite';
import type { TrainingProgram } from '../src/program';
import { train } from '../src/train';
import type { TrainOptions } from '../src/trainOptions';
import { bitsOf, type FakeInputs, fakeBatch, fakeProgram } from './fakeProgram';
import { pretendedJob } from './pretendedJob';

let runDir: string;
beforeEach(async () => {
  runDir = await mkdtemp(join(tmpdir(), 'trainer-'));
});
afterEach(() => rm(runDir, { recursive: true }));

const options = (program: TrainingProgram<FakeInputs>, more: Partial<TrainOptions<FakeInputs>> = {}) => ({
  name: 'stage',
  program,
  batch: fakeBatch,
  totalSteps: 4,
  imagesPerStep: 8,
  stepsPerEpoch: 2,
  runDir,
  config: { model: { depth: 2 }, seed: 1 },
  schedules: { learningRate: (step: number) => 0.1 / (step + 1) },
  logEvery: 1,
  progress: silentProgress,
  ...more,
});

/** A program whose `run` throws at its n-th call. */
function crashing(program: TrainingProgram<FakeInputs>, at: number): TrainingProgram<FakeInputs> {
  let calls = 0;
  return {
    ...program,
    run: (inputs) => {
      if (++calls === at) throw new Error('power cut');
      return program.run(inputs);
    },
  };
}
const withoutTimes = async (folder = runDir) =>
  (await readMetrics(folder)).map(({ imagesPerSecond, ...record }) => record);

async function messagesOf(run: (progress: typeof silentProgress) => Promise<unknown>): Promise<string[]> {
  const messages: string[] = [];
  await run({ ...silentProgress, message: (text) => messages.push(text) });
  return messages;
}

describe('resume', () => {
  test('four steps are two, a crash, and two more, bit for bit; the logs are equal too', async () => {
    const straight = fakeProgram();
    const reference = join(runDir, 'straight');
    await train(options(straight, { runDir: reference, checkpointEvery: 2 }));

    // The crash comes in step 4: step 3 is in the log already and is made again.
    await expect(train(options(crashing(fakeProgram(), 4), { checkpointEvery: 2 }))).rejects.toThrow(
      'power cut',
    );
    expect((await readMetrics(runDir)).map(({ step }) => step)).toEqual([1, 2, 3]);
    const continued = fakeProgram();
    const result = await train(options(continued, { checkpointEvery: 2 }));

    expect(result).toEqual({ step: 4, interrupted: false, checkpoint: checkpointPath(runDir, 4) });
    expect(continued.runs).toBe(2);
    expect(await bitsOf(continued)).toBe(await bitsOf(straight));
    expect(await withoutTimes()).toEqual(await withoutTimes(reference));
    expect(await readFile(checkpointPath(runDir, 4))).toEqual(await readFile(checkpointPath(reference, 4)));
  });

  test('means over a window survive a stop in the middle of it', async () => {
    const reference = join(runDir, 'straight');
    const often = { totalSteps: 10, logEvery: 5, checkpointEvery: 3 };
    await train(options(fakeProgram(), { ...often, runDir: reference }));
    await expect(train(options(crashing(fakeProgram(), 5), often))).rejects.toThrow();
    await train(options(fakeProgram(), often));
    expect((await withoutTimes()).map(({ step }) => step)).toEqual([5, 10]);
    expect(await withoutTimes()).toEqual(await withoutTimes(reference));
  });

  test('a finished run does nothing more', async () => {
    await train(options(fakeProgram()));
    const again = fakeProgram();
    const batches: number[] = [];
    const batch = async (step: number) => {
      batches.push(step);
      return fakeBatch(step);
    };
    expect(await train(options(again, { batch }))).toMatchObject({ step: 4, interrupted: false });
    expect([again.runs, batches]).toEqual([0, []]);
  });

  test('damaged checkpoints are skipped by name, and do not push out good ones', async () => {
    await expect(
      train(options(crashing(fakeProgram(), 4), { checkpointEvery: 1, keepCheckpoints: 3 })),
    ).rejects.toThrow();
    const bytes = await readFile(checkpointPath(runDir, 3));
    await writeFile(checkpointPath(runDir, 3), bytes.subarray(0, bytes.length - 1));
    const two = await readFile(checkpointPath(runDir, 2));
    two[two.length - 3]! ^= 1; // One bit of a weight: only the checksum can tell.
    await writeFile(checkpointPath(runDir, 2), two);

    const continued = fakeProgram();
    const messages = await messagesOf((progress) =>
      train(options(continued, { progress, totalSteps: 2, keepCheckpoints: 1 })),
    );
    expect(messages[0]).toMatch(/Skipped.*step-00000003\.safetensors.*truncated/);
    expect(messages[1]).toMatch(/Skipped.*step-00000002\.safetensors.*checksum/);
    expect(messages[2]).toMatch(/continuing at step 1 of 2 from .*step-00000001/);
    expect(continued.runs).toBe(1);
    expect(await checkpointSteps(runDir)).toEqual([2, 3]);
    expect((await loadCheckpoint(checkpointPath(runDir, 2))).step).toBe(2);
  });

  test('another configuration is refused, with the keys that differ', async () => {
    await train(options(fakeProgram()));
    const config = { model: { depth: 3 }, seed: 1, extra: [1] };
    await expect(train(options(fakeProgram(), { config }))).rejects.toThrow(
      /step-00000004.*model\.depth: 2 in the checkpoint, 3 now; extra: absent in the checkpoint, \[1\] now/,
    );
    await expect(train(options(fakeProgram(), { name: 'other' }))).rejects.toThrow(
      /stage "stage", not "other"/,
    );
    await expect(train(options(fakeProgram(), { totalSteps: 3 }))).rejects.toThrow(/has 4 steps.*to have 3/);
    await expect(train(options(fakeProgram(6)))).rejects.toThrow(
      /"params\/w" is float32 \[5\], expected float32 \[6\]/,
    );
    expect(JSON.parse(await readFile(join(runDir, 'config.json'), 'utf8'))).toEqual(
      options(fakeProgram()).config,
    );
  });

  test('a checkpoint made to harm is an error or is skipped', async () => {
    await train(options(fakeProgram(), { totalSteps: 1 }));
    const { tensors, metadata } = await loadSafetensors(checkpointPath(runDir, 1));
    // With a checksum that fits, as who means harm would write it.
    const rewrite = ({ checksum, ...changes }: Record<string, string>) => {
      const { checksum: _, ...described } = { ...metadata, ...changes };
      const signed = { ...described, checksum: checksum ?? checksumOf(tensors, described) };
      return saveSafetensors(checkpointPath(runDir, 1), tensors, signed);
    };
    const load = () => loadCheckpoint(checkpointPath(runDir, 1));
    for (const [changes, message] of [
      [{ format: 'other' }, /format is other/],
      [{ step: '1e9' }, /step is 1e9/],
      [{ step: '' }, /whole number/],
      [{ config: '{' }, /config is not JSON/],
      [{ window: 'null' }, /window/],
      [{ window: '{"steps":-1,"sums":{}}' }, /window/],
      [{ best: '[]' }, /best/],
      [{ checksum: '00000000' }, /checksum/],
    ] as const) {
      await rewrite(changes);
      await expect(load()).rejects.toThrow(message);
    }
    await rewrite({ step: '7' });
    const fresh = fakeProgram();
    const logged = await readMetrics(runDir);
    const messages = await messagesOf((progress) =>
      // To begin anew would throw the metrics of the run away.
      expect(train(options(fresh, { progress, totalSteps: 1 }))).rejects.toThrow(
        /No checkpoint in .* can be used\. Remove them to begin anew/,
      ),
    );
    expect(messages[0]).toMatch(/holds step 7/);
    expect(fresh.runs).toBe(0);
    expect(logged.length).toBe(1);
    expect(await readMetrics(runDir)).toEqual(logged);
  });

  test('paths through the prototype stay data', async () => {
    const x = scalar(1);
    const path = join(runDir, 'evil.safetensors');
    const good = await train(options(fakeProgram(), { totalSteps: 1 }));
    const { metadata } = await loadSafetensors(good.checkpoint!);
    const { checksum: _, ...described } = metadata;
    const tensors = { 'params/__proto__/polluted': x };
    await saveSafetensors(path, tensors, { ...described, checksum: checksumOf(tensors, described) });
    await loadCheckpoint(path);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  });
});

describe('checkpoints', () => {
  test('a change anywhere in a file is found, and the one before is taken', async () => {
    const many = { totalSteps: 2, checkpointEvery: 1 };
    await train(options(fakeProgram(), many));
    const path = checkpointPath(runDir, 2);
    const whole = await readFile(path);
    const headerEnd = 8 + Number(whole.readBigUInt64LE(0));
    let changed = 0;
    for (let at = 8; at < whole.length; at++) {
      const damaged = Buffer.from(whole);
      damaged[at]! ^= 1;
      // Blanks around the header's JSON are no part of it.
      if (at < headerEnd && whole[at] === 0x20) continue;
      await writeFile(path, damaged);
      await expect(loadCheckpoint(path)).rejects.toThrow();
      changed++;
    }
    expect(changed).toBeGreaterThan(300);
    const messages = await messagesOf(async (progress) => {
      const { step } = await train(options(fakeProgram(), { ...many, progress }));
      expect(step).toBe(2);
    });
    expect(messages.join('\n')).toMatch(
      /Skipped a checkpoint that cannot be used[\s\S]*continuing at step 1 of 2/,
    );
  });

  test('come after so many minutes, too', async () => {
    const now = jest.spyOn(performance, 'now');
    try {
      let minutes = 0;
      now.mockImplementation(() => 60_000 * minutes);
      const program = fakeProgram();
      const slow: TrainingProgram<FakeInputs> = {
        ...program,
        run(inputs) {
          minutes += 2;
          return program.run(inputs);
        },
      };
      await train(options(slow, { totalSteps: 10, keepCheckpoints: 10, checkpointMinutes: 5 }));
      expect(await checkpointSteps(runDir)).toEqual([3, 6, 9, 10]);
    } finally {
      now.mockRestore();
    }
    await expect(train(options(fakeProgram(), { checkpointMinutes: 0 }))).rejects.toThrow(
      'checkpointMinutes is 0; expected a number above 0',
    );
  });

  test('the newest stay, and the best', async () => {
    const scores = [0, 3, 9, 4, 5, 1, 2];
    const evaluate = {
      every: 2,
      run: async (step: number) => ({ accuracy: scores[step] ?? 0 }),
      best: { metric: 'accuracy', mode: 'max' },
    } as const;
    const many = { totalSteps: 7, checkpointEvery: 1, keepCheckpoints: 2, evaluate };
    await train(options(fakeProgram(), many));
    expect(await checkpointSteps(runDir)).toEqual([2, 6, 7]);
    expect(await loadCheckpoint(checkpointPath(runDir, 7))).toMatchObject({ best: { step: 2, value: 9 } });
    const evaluated = (await readMetrics(runDir)).filter(({ kind }) => kind === 'evaluation');
    expect(evaluated.map(({ step, accuracy }) => [step, accuracy])).toEqual([
      [2, 9],
      [4, 5],
      [6, 2],
      [7, 0],
    ]);
  });

  test('a metric to choose by that does not exist is an error', async () => {
    const evaluate = {
      every: 1,
      run: async () => ({ loss: 1 }),
      best: { metric: 'accuracy', mode: 'max' },
    } as const;
    await expect(train(options(fakeProgram(), { evaluate }))).rejects.toThrow(/no "accuracy".*it has: loss/);
    expect((await checkpointSteps(runDir)).length).toBe(1);
  });

  test('hold the state by path, and what made it', async () => {
    await train(options(fakeProgram(), { versions: { '@beit/vit': '1.2.3' } }));
    const { tensors, metadata } = await loadSafetensors(checkpointPath(runDir, 4));
    expect(Object.keys(tensors).sort()).toEqual(['m/w', 'params/w']);
    expect(metadata).toMatchObject({ name: 'stage', step: '4', config: '{"model":{"depth":2},"seed":1}' });
    expect(JSON.parse(metadata.versions!)).toEqual({ node: process.version, '@beit/vit': '1.2.3' });
  });
});

describe('the log', () => {
  test('has every scalar, epoch, schedule and speed', async () => {
    await train(options(fakeProgram()));
    const lines = (await readFile(join(runDir, 'metrics.jsonl'), 'utf8'))
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.map(({ step, epoch }) => [step, epoch])).toEqual([
      [1, 0.5],
      [2, 1],
      [3, 1.5],
      [4, 2],
    ]);
    expect(Object.keys(lines[0])).toEqual([
      'kind',
      'step',
      'epoch',
      'loss',
      'gradNorm',
      'learningRate',
      'imagesPerSecond',
    ]);
    expect(lines[2].learningRate).toBeCloseTo(0.1 / 3);
    expect(lines[0].imagesPerSecond).toBeGreaterThan(0);
    expect(await readdir(join(runDir, 'tensorboard'))).toHaveLength(1);
  });

  test('a line torn by a crash goes on resume', async () => {
    await expect(train(options(crashing(fakeProgram(), 3), { checkpointEvery: 1 }))).rejects.toThrow();
    const path = join(runDir, 'metrics.jsonl');
    await writeFile(path, `${await readFile(path, 'utf8')}{"kind":"train","st`);
    await train(options(fakeProgram(), { checkpointEvery: 1 }));
    const lines = (await readFile(path, 'utf8')).trim().split('\n');
    expect(lines.map((line) => JSON.parse(line).step)).toEqual([1, 2, 3, 4]);
  });
});

describe('stopping', () => {
  test('an aborted signal finishes the step, saves and returns; the run can go on', async () => {
    const controller = new AbortController();
    const onOutputs = (step: number) => {
      if (step === 1) controller.abort();
    };
    const messages = await messagesOf(async (progress) => {
      const result = await train(options(fakeProgram(), { signal: controller.signal, onOutputs, progress }));
      expect(result).toEqual({ step: 2, interrupted: true, checkpoint: checkpointPath(runDir, 2) });
    });
    expect(messages[0]).toMatch(/stopping after this step/);
    const [straight, continued] = [fakeProgram(), fakeProgram()];
    for (let step = 0; step < 4; step++) await straight.run(await fakeBatch(step));
    await train(options(continued));
    expect(await bitsOf(continued)).toBe(await bitsOf(straight));
  });

  test('it need not wait for a batch that never comes', async () => {
    const controller = new AbortController();
    const batch = (step: number) =>
      step < 1 ? fakeBatch(step) : new Promise<FakeInputs>(() => controller.abort());
    expect(await train(options(fakeProgram(), { batch, signal: controller.signal }))).toMatchObject({
      step: 1,
      interrupted: true,
    });
  });

  test('aborted before it began: nothing is written over, nothing is made', async () => {
    const program = fakeProgram();
    const result = await train(options(program, { signal: AbortSignal.abort() }));
    expect(result).toEqual({ step: 0, interrupted: true, checkpoint: null });
    expect(program.runs).toBe(0);
  });
});

describe('a loss that is no number', () => {
  const diverging = (at: number, outputs: Record<string, number>): TrainingProgram<FakeInputs> => {
    const program = fakeProgram();
    return {
      ...program,
      run: async (inputs) => {
        const result = await program.run(inputs);
        const broken = Object.entries(outputs).map(([name, value]) => [name, scalar(value)]);
        return program.runs === at ? { ...result, ...Object.fromEntries(broken) } : result;
      },
    };
  };

  test('stops with a diagnosis; checkpoints stay', async () => {
    const program = diverging(4, { loss: Number.NaN, ratio: Number.POSITIVE_INFINITY });
    const batchNames = (step: number) => [`image-${step}.png`];
    const error = await train(options(program, { checkpointEvery: 2, batchNames })).catch((e) => e);
    expect(error).toBeInstanceOf(NonFiniteError);
    expect(error.message).toMatch(
      /stage: step 4 gave loss NaN, ratio Infinity\. Gradient norms before: [\d.]+, [\d.]+, [\d.]+\./,
    );
    expect(error.message).toMatch(
      /image-3\.png.*post-mortem-step-00000004\.json.*step-00000002\.safetensors/,
    );
    expect(await checkpointSteps(runDir)).toEqual([2]);
    const report = JSON.parse(await readFile(join(runDir, 'post-mortem-step-00000004.json'), 'utf8'));
    expect(report).toMatchObject({ step: 4, nonFinite: ['loss', 'ratio'], batch: ['image-3.png'] });
    expect(report.values).toMatchObject({ loss: 'NaN', ratio: 'Infinity', learningRate: 0.025 });
    expect(report.history.map(({ step }: { step: number }) => step)).toEqual([1, 2, 3]);
  });

  test('so does a gradient norm; another output does not', async () => {
    await expect(train(options(diverging(2, { gradNorm: Number.POSITIVE_INFINITY })))).rejects.toThrow(
      /step 2 gave gradNorm Infinity.*no checkpoint yet/,
    );
    await expect(train(options(diverging(2, { psnr: Number.POSITIVE_INFINITY })))).resolves.toMatchObject({
      step: 4,
    });
  });

  test('a state that went bad under a finite loss is not saved', async () => {
    const program = fakeProgram();
    const bad: TrainingProgram<FakeInputs> = {
      ...program,
      async readState() {
        const state = await program.readState();
        if (program.runs >= 3) flattenTensors(state)['params/w']!.data[1] = Number.NaN;
        return state;
      },
    };
    await expect(train(options(bad, { checkpointEvery: 1, keepCheckpoints: 1 }))).rejects.toThrow(
      /step 3 gave params\/w not finite/,
    );
    expect(await checkpointSteps(runDir)).toEqual([2]);
  });
});

describe('errors', () => {
  test('of files name the path', async () => {
    const file = join(runDir, 'file');
    await writeFile(file, '');
    await expect(train(options(fakeProgram(), { runDir: join(file, 'run') }))).rejects.toThrow(
      /The folder .*file\/run. cannot be made in .*file.: it is a file/,
    );
    await writeFile(join(runDir, 'checkpoints'), '');
    await expect(train(options(fakeProgram()))).rejects.toThrow(/Cannot list .*checkpoints: .*ENOTDIR/);
  });

  const full = process.platform === 'linux' ? test : test.skip;
  full('a full disk', async () => {
    await symlink('/dev/full', join(runDir, 'metrics.jsonl'));
    await expect(train(options(fakeProgram()))).rejects.toThrow(/Cannot write .*metrics\.jsonl: ENOSPC/);
  });

  test('a checkpoint that cannot be written leaves the others', async () => {
    await train(options(fakeProgram(), { totalSteps: 2, config: {} }));
    await mkdir(checkpointPath(runDir, 4));
    await expect(train(options(fakeProgram(), { config: {} }))).rejects.toThrow(
      /step-00000004\.safetensors: EISDIR/,
    );
    expect((await loadCheckpoint(checkpointPath(runDir, 2))).step).toBe(2);
  });

  test('of batches and programs come through, also of batches fetched ahead', async () => {
    const batch = async (step: number) => {
      if (step === 2) throw new Error('no such image');
      return fakeBatch(step);
    };
    const program = fakeProgram();
    await expect(train(options(program, { batch }))).rejects.toThrow('no such image');
    expect(program.runs).toBe(2);
  });

  test('of options name the value', async () => {
    await expect(train(options(fakeProgram(), { totalSteps: 0 }))).rejects.toThrow('totalSteps is 0');
    const evaluate = { every: 1, run: async () => ({ loss: 1 }) };
    await expect(train(options(fakeProgram(), { evaluate: { ...evaluate, every: 0 } }))).rejects.toThrow(
      'evaluate.every is 0',
    );
    const best = { metric: 'loss', mode: 'maximum' as 'max' };
    await expect(train(options(fakeProgram(), { evaluate: { ...evaluate, best } }))).rejects.toThrow(
      'evaluate.best.mode is maximum; expected min or max',
    );
    const run = async () => ({ step: 1 });
    await expect(train(options(fakeProgram(), { evaluate: { ...evaluate, run } }))).rejects.toThrow(
      'A metric is called "step"',
    );
    await expect(train(options(fakeProgram(), { keepCheckpoints: 1.5 }))).rejects.toThrow(
      'keepCheckpoints is 1.5',
    );
  });
});

test('the next batch is asked for before a step runs, and none beyond the last', async () => {
  const events: string[] = [];
  const program = fakeProgram();
  const run = (inputs: FakeInputs) => {
    events.push('run');
    return program.run(inputs);
  };
  const batch = (step: number) => {
    events.push(`batch ${step}`);
    return fakeBatch(step);
  };
  await train(options({ ...program, run }, { totalSteps: 3, batch }));
  expect(events).toEqual(['batch 0', 'batch 1', 'run', 'batch 2', 'run', 'run']);
});

describe('several processes', () => {
  /** `train` in each of them; `more` by rank. */
  const trainAll = (more: (rank: number) => Partial<TrainOptions<FakeInputs>> = () => ({}), size = 2) => {
    const { jobs } = pretendedJob(size);
    const programs = jobs.map(() => fakeProgram());
    const results = jobs.map((job, rank) => train({ ...options(programs[rank]!), job, ...more(rank) }));
    return { programs, results };
  };

  test('take the same steps as one; the first one writes, evaluates and reports', async () => {
    const alone = fakeProgram();
    const reference = join(runDir, 'alone');
    await train(options(alone, { runDir: reference, checkpointEvery: 2 }));
    const evaluated: number[] = [];
    const { programs, results } = trainAll(
      (rank) => ({
        checkpointEvery: 2,
        evaluate: { every: 2, run: async () => ({ rank: evaluated.push(rank) }) },
      }),
      3,
    );
    const [first, ...others] = await Promise.all(results);
    expect(first).toMatchObject({ step: 4, interrupted: false, checkpoint: checkpointPath(runDir, 4) });
    for (const other of others) expect(other).toEqual({ step: 4, interrupted: false, checkpoint: null });
    for (const program of programs) expect(await bitsOf(program)).toBe(await bitsOf(alone));
    expect(evaluated).toEqual([0, 0]);
    const trained = (await withoutTimes()).filter(({ kind }) => kind === 'train');
    expect(trained).toEqual(await withoutTimes(reference));
  });

  test('save the best evaluation together, between other checkpoints too', async () => {
    const measured = [0.1, 0.9, 0.2, 0.3];
    const { programs, results } = trainAll(() => ({
      checkpointEvery: 4,
      evaluate: {
        every: 1,
        run: async (step) => ({ accuracy: measured[step - 1]! }),
        best: { metric: 'accuracy', mode: 'max' },
      },
    }));
    const [first, second] = await Promise.all(results);
    expect(first!.best).toEqual({ step: 2, value: 0.9, checkpoint: checkpointPath(runDir, 2) });
    expect(second!.step).toBe(4);
    expect(await checkpointSteps(runDir)).toEqual([2, 4]);
    expect(await bitsOf(programs[0]!)).toBe(await bitsOf(programs[1]!));
  });

  test('that keep a part of the state each save all of it, compare what they share, and go on from it', async () => {
    /** The moments, `m`, are read whole by the first process only. */
    const spread = (rank: number, read: () => void) => {
      const program = fakeProgram();
      return {
        ...program,
        run: (inputs: FakeInputs) => program.run(inputs),
        async readState() {
          read();
          const { params, m } = (await program.readState()) as Record<string, Tree<HostTensor>>;
          return { params: params!, m: rank === 0 ? m! : {} };
        },
        replicated: ['params'],
      };
    };
    const reads = [0, 0];
    for (const totalSteps of [2, 4]) {
      const { results } = trainAll((rank) => ({
        program: spread(rank, () => reads[rank]!++),
        totalSteps,
        evaluate: { every: 1, run: async (_step, state) => ({ groups: Object.keys(state).length }) },
      }));
      await Promise.all(results);
    }
    // Reading is a call of all of them.
    expect(reads[0]).toBeGreaterThan(4);
    expect(reads[1]).toBe(reads[0]);
    const reference = join(runDir, 'alone');
    await train(options(fakeProgram(), { runDir: reference }));
    const [spreadState, wholeState] = await Promise.all(
      [runDir, reference].map(async (run) => (await loadCheckpoint(checkpointPath(run, 4))).state),
    );
    expect(flattenTensors(spreadState!)).toEqual(flattenTensors(wholeState!));
  });

  test('continue together where they stopped; an interrupt of one stops all after the same step', async () => {
    const interrupt = new AbortController();
    const stopped = trainAll((rank) => ({
      ...(rank === 1 && { signal: interrupt.signal }),
      onOutputs: (step) => void (rank === 0 && step === 1 && interrupt.abort()),
    }));
    for (const result of await Promise.all(stopped.results))
      expect(result).toMatchObject({ step: 2, interrupted: true });
    const again = trainAll();
    await Promise.all(again.results);
    expect(again.programs.map(({ runs }) => runs)).toEqual([2, 2]);
    const alone = fakeProgram();
    await train(options(alone, { runDir: join(runDir, 'alone') }));
    for (const program of again.programs) expect(await bitsOf(program)).toBe(await bitsOf(alone));
  });

  test('that do not see the same folder are told so', async () => {
    await train(options(fakeProgram()));
    const { results } = trainAll((rank) => ({
      totalSteps: 6,
      ...(rank === 1 && { runDir: join(runDir, 'other') }),
    }));
    for (const result of results) result.catch(() => {});
    await expect(results[0]).rejects.toThrow(/Process 0 finds checkpoint of step 4 in .*one folder for all/);
    await expect(results[1]).rejects.toThrow(
      /Process 1 finds no checkpoint in .*other, and others another one/,
    );
  });

  test('whose states have come apart are stopped before a checkpoint', async () => {
    const { results } = trainAll((rank) => (rank === 1 ? { batch: async (step) => ({ x: step }) } : {}));
    for (const result of results) result.catch(() => {});
    for (const result of results)
      await expect(result).rejects.toThrow(/After step 4 the states of the processes differ/);
    expect(await checkpointSteps(runDir)).toEqual([]);
  });

  test('where a loss is not finite the first one writes what happened, and the others wait for its end', async () => {
    const { results } = trainAll(() => ({ batch: async () => ({ x: Number.NaN }) }));
    let others = 'waiting';
    results[1]!.catch(() => {
      others = 'failed';
    });
    await expect(results[0]).rejects.toThrow(NonFiniteError);
    expect((await readdir(runDir)).filter((name) => name.startsWith('post-mortem'))).toHaveLength(1);
    expect(others).toBe('waiting');
  });
});
