import { type HostTensor, scalar } from '@beit/tensors';
import { pretendedJob } from '../test/pretendedJob';
import { accumulatedProgram } from './accumulatedProgram';
import type { Program, Tree<HostTensor> } from './program';
import { sharedMean } from './sharedMean';

const tensor = (...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});
const values = (tree: Tree<HostTensor>, path: string) => [...flattenTensors(tree)[path]!.data];

/** Least squares of one number against the items of a batch: gradient of mean (w - x)^2. */
function halves() {
  let first: Tree<HostTensor> = { params: { w: tensor(99) }, gradients: { w: tensor(5) } };
  let second: Tree<HostTensor> = { params: { w: tensor(2) }, m: { w: tensor(0) } };
  const gradientProgram: Program<{ batch: number[]; weight: HostTensor }> = {
    async run({ batch, weight }) {
      const w = values(first, 'params/w')[0]!;
      const mean = (f: (x: number) => number) => batch.reduce((sum, x) => sum + f(x), 0) / batch.length;
      const sum = values(first, 'gradients/w')[0]! + weight.data[0]! * mean((x) => 2 * (w - x));
      first = { params: { w: tensor(w) }, gradients: { w: tensor(sum) } };
      return { loss: scalar(mean((x) => (w - x) ** 2)), items: tensor(...batch) };
    },
    readState: async () => first,
    async writeState(state) {
      first = state;
    },
  };
  const updateProgram: Program<{ gradients: Tree<HostTensor>; scalars: { readonly [name: string]: Tree<HostTensor> } }> =
    {
      async run({ gradients, scalars }) {
        const gradient = values(gradients, 'w')[0]!;
        const w = values(second, 'params/w')[0]! - scalarsOf(scalars).rate! * gradient;
        second = { params: { w: tensor(w) }, m: { w: tensor(gradient) } };
        return { gradNorm: scalar(Math.abs(gradient)), params: { w: tensor(w) } };
      },
      readState: async () => second,
      async writeState(state) {
        second = state;
      },
    };
  return { gradientProgram, updateProgram };
}

const parts = (...batches: number[][]) => batches.map((batch) => ({ batch, weight: batch.length }));

test('two steps of unequal micro-batches are two steps of whole batches', async () => {
  const program = await accumulatedProgram(halves());
  let w = 2;
  for (const batch of [
    [1, 2, 3, 6],
    [4, -2, 0, 8],
  ]) {
    const mean = (f: (x: number) => number) => batch.reduce((sum, x) => sum + f(x), 0) / 4;
    const outputs = await program.run({
      microBatches: parts(batch.slice(0, 1), batch.slice(1)),
      scalars: { rate: scalar(0.25) },
    });
    const gradient = mean((x) => 2 * (w - x));
    expect(Object.keys(outputs).sort()).toEqual(['gradNorm', 'loss']);
    expect(scalarsOf(outputs).loss).toBeCloseTo(
      mean((x) => (w - x) ** 2),
      5,
    );
    expect(scalarsOf(outputs).gradNorm).toBeCloseTo(Math.abs(gradient), 5);
    w -= 0.25 * gradient;
    expect(values(await program.readState(), 'params/w')[0]).toBeCloseTo(w, 5);
  }
});

test('a written state reaches both halves', async () => {
  const program = await accumulatedProgram(halves());
  await program.writeState({ params: { w: tensor(10) }, m: { w: tensor(0) } });
  const outputs = await program.run({ microBatches: parts([9], [7]), scalars: { rate: scalar(0.5) } });
  expect(scalarsOf(outputs)).toEqual({ loss: 5, gradNorm: 4 });
  expect(values(await program.readState(), 'params/w')).toEqual([8]);
});

test('processes with unequal micro-batches take the step of all of them together', async () => {
  const whole = await accumulatedProgram(halves());
  const expected = await whole.run({
    microBatches: parts([9], [7, 1], [3, 3, 5]),
    scalars: { rate: scalar(0.5) },
  });
  const { jobs } = pretendedJob(2);
  const [first, second] = await Promise.all(jobs.map((job) => accumulatedProgram({ ...halves(), job })));
  const outputs = await Promise.all([
    first!.run({ microBatches: parts([9]), scalars: { rate: scalar(0.5) } }),
    second!.run({ microBatches: parts([7, 1], [3, 3, 5]), scalars: { rate: scalar(0.5) } }),
  ]);
  for (const own of outputs) {
    expect(scalarsOf(own).loss).toBeCloseTo(scalarsOf(expected).loss!, 5);
    expect(scalarsOf(own).gradNorm).toBeCloseTo(scalarsOf(expected).gradNorm!, 5);
  }
  const w = values(await whole.readState(), 'params/w')[0]!;
  for (const program of [first!, second!])
    expect(values(await program.readState(), 'params/w')[0]).toBeCloseTo(w, 5);
});

test('gradients beyond a bucket go in several, and none is missing', async () => {
  const sizes = [3, 9_000_000, 1, 5_000_000];
  const tree = (value: number) =>
    Object.fromEntries(
      sizes.map((size, i) => [
        `g${i}`,
        { dtype: 'float32', shape: [size], data: new Float32Array(size).fill(value + i) } as const,
      ]),
    );
  const { jobs, calls } = pretendedJob(2);
  const [a, b] = await Promise.all([sharedMean(jobs[0]!)(tree(1), 4), sharedMean(jobs[1]!)(tree(2), 4)]);
  expect(calls()).toBeGreaterThan(1);
  for (const mean of [a, b])
    for (const [i, size] of sizes.entries()) {
      const data = flattenTensors(mean!)[`g${i}`]!.data as Float32Array;
      expect(data.length).toBe(size);
      expect(data.every((x) => x === (3 + 2 * i) / 4)).toBe(true);
    }
});

test('a step needs micro-batches that count', async () => {
  const program = await accumulatedProgram(halves());
  const scalars = { rate: scalar(1) };
  await expect(program.run({ microBatches: [], scalars })).rejects.toThrow(/at least one/);
  for (const weight of [0, -1, Number.NaN])
    await expect(program.run({ microBatches: [{ batch: [1], weight }], scalars })).rejects.toThrow(
      /expected more than 0/,
    );
});
