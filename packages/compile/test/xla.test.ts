import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { flattenTensors, type HostTensor, messageOf, type Tree } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { type CompileOptions, compile, compilePrograms } from '../src';
import { collectGarbage } from './collectGarbage';
import { f32, i32, numbers } from './hostTensors';

type Params = Record<'w1' | 'w2' | 'scale', tf.Tensor>;
type State = { params: Params; m: Params };
type Batch = Record<'x', tf.Tensor> & Record<'labels', tf.Tensor>;

/** A small training step with what a batch has in common: the statistics of a normalization, and the loss. */
function step({ params, m }: State, { x, labels }: Batch) {
  const loss = (w1: tf.Tensor, w2: tf.Tensor, scale: tf.Tensor) => {
    const { mean, variance } = tf.moments(x, 0, true);
    const hidden = tf.relu(tf.matMul(x.sub(mean).div(variance.add(1e-3).sqrt()).mul(scale), w1));
    const logits = tf.matMul(hidden, w2);
    const rows = tf.gather(
      tf.logSoftmax(logits).reshape([-1]),
      labels.add(tf.range(0, 8, 1, 'int32').mul(4)).toInt(),
    );
    return rows.mean().neg() as tf.Scalar;
  };
  const names = ['w1', 'w2', 'scale'] as const;
  const { value, grads } = tf.valueAndGrads(loss as (...tensors: tf.Tensor[]) => tf.Scalar)(
    names.map((name) => params[name]),
  );
  const moments = names.map((name, i) => m[name].mul(0.9).add(grads[i]!));
  const all = (list: tf.Tensor[]) => Object.fromEntries(names.map((name, i) => [name, list[i]!])) as Params;
  return {
    state: { params: all(names.map((name, i) => params[name].sub(moments[i]!.mul(0.1)))), m: all(moments) },
    outputs: { loss: value },
  };
}

const params = { w1: numbers([6, 10], 1), w2: numbers([10, 4], 2), scale: numbers([6], 3) };
const zeros = Object.fromEntries(
  Object.entries(params).map(([name, { shape, data }]) => [
    name,
    f32(new Array(data.length).fill(0), [...shape]),
  ]),
) as typeof params;
const batch = (seed: number) => ({ x: numbers([8, 6], seed), labels: i32([0, 3, 1, 2, 2, 0, 1, 3]) });

async function trained(options: CompileOptions) {
  const program = await compile(
    step,
    { state: { params, m: zeros }, inputs: batch(0) },
    { engine: 'xla', ...options },
  );
  try {
    const losses: number[] = [];
    for (const seed of [4, 5, 6]) losses.push((await program.run(batch(seed))).loss.data[0]!);
    const state = flattenTensors((await program.readState()) as unknown as Tree<HostTensor>);
    return { losses, state };
  } finally {
    await program.dispose();
  }
}

function largestDifference(a: Record<string, HostTensor>, b: Record<string, HostTensor>): number {
  expect(Object.keys(a)).toEqual(Object.keys(b));
  const differences = Object.entries(a).flatMap(([name, { data }]) =>
    Array.from(data, (x, i) => Math.abs(x - b[name]!.data[i]!)),
  );
  return Math.max(...differences);
}

whereInstalled('XLA', () => {
  const cpu = { device: 'cpu', programCache: false } as const;

  describe('several devices', () => {
    test.each([
      ['two', [0, 1], []],
      ['four', [0, 1, 2, 3], []],
      ['eight', [0, 1, 2, 3, 4, 5, 6, 7], []],
      ['two with the moments in parts', [0, 1], ['m']],
      ['two with all of the state in parts', [0, 1], ['m', 'params']],
    ])('%s give what one gives', async (_name, devices, shardedState) => {
      const one = await trained(cpu);
      const several = await trained({ ...cpu, devices, shardedState });
      several.losses.forEach((loss, i) => {
        expect(loss).toBeCloseTo(one.losses[i]!, 5);
      });
      expect(largestDifference(several.state, one.state)).toBeLessThan(1e-5);
    });

    test('a state in parts is written as a whole', async () => {
      const x = f32(
        Array.from({ length: 12 }, (_, i) => i),
        [3, 4],
      );
      const program = await compile(
        ({ group }: { group: Record<'x', tf.Tensor> }) => ({
          state: { group: { x: group.x.add(1) } },
          outputs: {},
        }),
        { state: { group: { x } }, inputs: {} },
        { engine: 'xla', ...cpu, devices: [0, 1], shardedState: ['group'] },
      );
      await program.run({});
      const { group } = await program.readState();
      expect([...group.x.data]).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
      await program.writeState({ group: { x } });
      await program.run({});
      expect((await program.readState()).group.x.data[11]).toBe(12);
      await program.dispose();
    });
  });

  test('a step that fails on its indices says so, and the state is written anew', async () => {
    const program = await compile(
      ({ x }: Record<'x', tf.Tensor>, { i }: Record<'i', tf.Tensor>) => ({
        state: { x: x.add(1) },
        outputs: { y: x.gather(i) },
      }),
      { state: { x: f32([1, 2, 3]) }, inputs: { i: i32([0, 1]) } },
      { engine: 'xla', ...cpu },
    );
    await expect(program.run({ i: i32([0, 3]) })).rejects.toThrow(
      /the index value 3 is not in \[0, 2\].*changed the state/,
    );
    await program.writeState({ x: f32([1, 2, 3]) });
    expect([...(await program.run({ i: i32([2, 0]) })).y.data]).toEqual([3, 1]);
    await program.dispose();
  });

  test('inputs that were sent are those of then, once', async () => {
    const program = await compile(
      (state: Record<string, tf.Tensor>, { x }: Record<'x', tf.Tensor>) => ({
        state,
        outputs: { y: x.mul(2) },
      }),
      { state: {}, inputs: { x: f32([1, 2]) } },
      { engine: 'xla', ...cpu },
    );
    const x = f32([1, 2]);
    const inputs = { x };
    program.send(inputs);
    x.data.fill(7);
    expect([...(await program.run(inputs)).y.data]).toEqual([2, 4]);
    expect([...(await program.run(inputs)).y.data]).toEqual([14, 14]);
    program.send(inputs);
    await program.dispose();
    expect(() => program.send(inputs)).toThrow('disposed');
  });

  test('programs over one state find it where the others left it', async () => {
    type Sum = { sum: Record<'x', tf.Tensor>; other: Record<'x', tf.Tensor> };
    const programs = await compilePrograms(
      {
        add: ({ sum, other }: Sum, { x }: Record<'x', tf.Tensor>) => ({
          state: { sum: { x: sum.x.add(x) }, other },
          outputs: {},
        }),
        move: ({ sum }: Sum) => ({
          state: { sum: { x: sum.x.mul(0) }, other: { x: sum.x } },
          outputs: { y: sum.x },
        }),
      },
      {
        state: { sum: { x: f32([0, 0]) }, other: { x: f32([5, 5]) } },
        inputs: { add: { x: f32([1, 2]) }, move: {} },
      },
      { engine: 'xla', ...cpu },
    );
    // Two tensors of the state and one of the inputs, of two numbers each, whichever program is told of.
    expect(programs.memory?.arguments).toBeGreaterThanOrEqual(16);
    await programs.run.add({ x: f32([1, 2]) });
    await programs.run.add({ x: f32([10, 20]) });
    expect([...(await programs.run.move({})).y.data]).toEqual([11, 22]);
    const { sum, other } = await programs.readState();
    expect([[...sum.x.data], [...other.x.data]]).toEqual([
      [0, 0],
      [11, 22],
    ]);
    await programs.dispose();
  });

  test('a program tells its memory, with the tensors on the way', async () => {
    const x = numbers([256, 256], 1);
    const program = await compile(
      (_: object, { x }: { x: tf.Tensor }) => ({
        state: {},
        outputs: { y: tf.matMul(tf.matMul(x, x), x) },
      }),
      { state: {}, inputs: { x } },
      { engine: 'xla', ...cpu },
    );
    const { arguments: given, outputs, aliased, temporary, peak } = program.memory!;
    expect(given).toBeGreaterThanOrEqual(4 * 256 * 256);
    expect(temporary).toBeGreaterThanOrEqual(4 * 256 * 256);
    expect(peak).toBe(given + outputs - aliased + temporary);
    await program.dispose();
  });

  describe('programs that are kept', () => {
    const folders: string[] = [];
    afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true }))));
    async function cache() {
      const folder = await mkdtemp(join(tmpdir(), 'programs-'));
      folders.push(folder);
      return folder;
    }
    test('give the same numbers, and are one for each kind of program', async () => {
      const programCache = await cache();
      const first = await trained({ ...cpu, programCache });
      const kept = await readdir(programCache);
      expect(kept).toHaveLength(1);
      expect(await trained({ ...cpu, programCache })).toEqual(first);
      expect(await readdir(programCache)).toEqual(kept);
      await trained({ ...cpu, programCache, devices: [0, 1] });
      expect(await readdir(programCache)).toHaveLength(2);
    });
    test('run when what loaded them is garbage', async () => {
      const programCache = await cache();
      const first = await trained({ ...cpu, programCache });
      await collectGarbage();
      expect(await trained({ ...cpu, programCache })).toEqual(first);
    });
    test('are compiled anew where the file is damaged', async () => {
      const programCache = await cache();
      const first = await trained({ ...cpu, programCache });
      const [name] = await readdir(programCache);
      const path = join(programCache, name!);
      const whole = await readFile(path);
      // Another program, which gives other numbers.
      await trained({ ...cpu, programCache, precision: 'bf16' });
      const other = (await readdir(programCache)).find((file) => file !== name)!;
      for (const damaged of [
        await readFile(join(programCache, other)),
        whole.subarray(0, whole.length / 2),
        Buffer.alloc(0),
        Buffer.from(whole).fill(1, 100, 200),
      ]) {
        await writeFile(path, damaged);
        expect(await trained({ ...cpu, programCache })).toEqual(first);
        // Whole again: XLA does not write a program twice in the same bytes.
        const mended = await readFile(path);
        expect(mended.equals(damaged)).toBe(false);
        expect(await trained({ ...cpu, programCache })).toEqual(first);
        expect(await readFile(path)).toEqual(mended);
      }
    });
  });

  test('a process may end while a program is being compiled', () => {
    // Long to compile, and begun when the process ends.
    const source = `
      import * as tf from '@tensorflow/tfjs';
      import { compile } from './src/index.ts';
      const step = (_, { x }) => {
        let y = x;
        for (let i = 0; i < 60; i++) y = tf.softmax(tf.matMul(y.sin(), y.add(i), false, i % 2 === 1));
        return { state: {}, outputs: { y } };
      };
      const x = { dtype: 'float32', shape: [40, 40], data: new Float32Array(1600) };
      compile(step, { state: {}, inputs: { x } }, { engine: 'xla', device: 'cpu', programCache: false });
      setTimeout(() => process.exit(3), 300);`;
    const ended = spawnSync(
      process.execPath,
      ['--conditions=@beit/source', '--import', 'tsx', '--input-type=module', '--eval', source],
      { cwd: join(__dirname, '..'), encoding: 'utf8' },
    );
    expect({ status: ended.status, signal: ended.signal }).toEqual({ status: 3, signal: null });
  });

  describe('what is not there', () => {
    const failure = (options: CompileOptions) =>
      trained({ ...cpu, ...options }).then(() => undefined, messageOf);
    test.each([
      ['a plugin', { plugin: '/nowhere/pjrt.so' }, /nowhere\/pjrt.so/],
      ['a library that is no plugin', { plugin: 'package.json', device: 'cpu' }, /package.json/],
      [
        'a device of another engine',
        { device: 'webgpu' },
        "The engine 'xla' has no device 'webgpu'. Devices: cpu, cuda",
      ],
      ['tf32 on a CPU', { precision: 'tf32' }, "The device 'cpu' has no precision 'tf32'."],
      ['two devices that are one', { devices: [0, 0] }, /devices is \[0,0\]; expected 'all', or different/],
      ['no devices', { devices: [] }, /devices is \[\]; expected/],
      ['devices without end', { devices: [100_000] }, /devices is \[100000\]; .* to 1023/],
      ['half a thread', { numThreads: 0.5 }, 'numThreads is 0.5; expected a whole number above 0.'],
    ] as const)('%s', async (_name, options, message) => {
      expect(await failure(options)).toMatch(message);
    });
    test('the end of a library', async () => {
      const { findPjrt } = await import('@beit/installed');
      const { library } = (await findPjrt({ device: 'cpu' }))!;
      const folder = await mkdtemp(join(tmpdir(), 'beit-cut-off-'));
      const plugin = join(folder, 'pjrt_c_api_cpu_plugin.so');
      await writeFile(plugin, (await readFile(library)).subarray(0, 1 << 20));
      expect(await failure({ plugin })).toMatch(/is cut off: it has 1048576 bytes of \d+ or more/);
      // The folder of a library will do.
      expect(await failure({ plugin: folder })).toMatch(/pjrt_c_api_cpu_plugin.so is cut off/);
      await rm(folder, { recursive: true });
    });
    test('a number of CPUs', async () => {
      process.env.JAX_NUM_CPU_DEVICES = 'two';
      try {
        expect(await failure({ devices: 'all' })).toMatch("JAX_NUM_CPU_DEVICES is 'two'; expected how many");
      } finally {
        delete process.env.JAX_NUM_CPU_DEVICES;
      }
    });
  });
});
