import {
  type Branch,
  flattenTensors,
  type HostTensor,
  type NamedTensors,
  scalar,
  type Tree,
} from '@beit/tensors';
import { accumulatedProgram } from '../src/accumulatedProgram';
import { scalarsOf } from '../src/program';
import { sharedMean } from '../src/sharedMean';
import { pretendedJob } from './pretendedJob';

const tensor = (...values: number[]): HostTensor => ({
  dtype: 'float32',
  shape: [values.length],
  data: Float32Array.from(values),
});
const values = (tree: Tree<HostTensor>, path: string) => [...flattenTensors(tree)[path]!.data];

/** Least squares of one number against the items of a batch: gradient of mean (w - x)^2. */
function programs() {
  const state: Record<string, NamedTensors> = {
    params: { w: tensor(2) },
    m: { w: tensor(0) },
    // What another step has left.
    gradients: { w: tensor(Number.NaN) },
  };
  const first = (group: string) => values(state, `${group}/w`)[0]!;
  return {
    groups: Object.keys(state),
    run: {
      async accumulate({
        batch,
        weight,
        isFirst,
      }: {
        batch: number[];
        weight: HostTensor;
        isFirst: HostTensor;
      }) {
        const w = first('params');
        const mean = (f: (x: number) => number) => batch.reduce((sum, x) => sum + f(x), 0) / batch.length;
        const sum = isFirst.data[0]! > 0 ? 0 : first('gradients');
        state.gradients = { w: tensor(sum + weight.data[0]! * mean((x) => 2 * (w - x))) };
        return { loss: scalar(mean((x) => (w - x) ** 2)), items: tensor(...batch) };
      },
      async update({ scalars, scale }: { scalars: Branch<HostTensor>; scale: HostTensor }) {
        const gradient = first('gradients') * scale.data[0]!;
        state.m = { w: tensor(gradient) };
        state.params = { w: tensor(first('params') - scalarsOf(scalars).rate! * gradient) };
        return { gradNorm: scalar(Math.abs(gradient)) };
      },
    },
    readState: async (groups: readonly string[] = Object.keys(state)) =>
      Object.fromEntries(groups.map((group) => [group, state[group]!])),
    async writeState(groups: Branch<HostTensor>) {
      Object.assign(state, groups);
    },
  };
}

const parts = (...batches: number[][]) => batches.map((batch) => ({ batch, weight: batch.length }));

test('two steps of unequal micro-batches are two steps of whole batches', async () => {
  const program = await accumulatedProgram({ programs: programs() });
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

test('the state is that of the programs without the gradients, and what is written reaches both halves', async () => {
  const program = await accumulatedProgram({ programs: programs() });
  await program.writeState({ params: { w: tensor(10) }, m: { w: tensor(0) } });
  const outputs = await program.run({ microBatches: parts([9], [7]), scalars: { rate: scalar(0.5) } });
  expect(scalarsOf(outputs)).toEqual({ loss: 5, gradNorm: 4 });
  const state = await program.readState();
  expect(Object.keys(state)).toEqual(['params', 'm']);
  expect(values(state, 'params/w')).toEqual([8]);
});

test('processes with unequal micro-batches take the step of all of them together', async () => {
  const whole = await accumulatedProgram({ programs: programs() });
  const expected = await whole.run({
    microBatches: parts([9], [7, 1], [3, 3, 5]),
    scalars: { rate: scalar(0.5) },
  });
  const { jobs } = pretendedJob(2);
  const [first, second] = await Promise.all(
    jobs.map((job) => accumulatedProgram({ programs: programs(), job })),
  );
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
  const [a, b] = await Promise.all([
    sharedMean(jobs[0]!)(tree(1), 1 / 4),
    sharedMean(jobs[1]!)(tree(2), 1 / 4),
  ]);
  expect(calls()).toBeGreaterThan(1);
  for (const mean of [a, b])
    for (const [i, size] of sizes.entries()) {
      const data = mean![`g${i}`]!.data as Float32Array;
      expect(data.length).toBe(size);
      expect(data.every((x) => x === (3 + 2 * i) / 4)).toBe(true);
    }
});

test('a step needs micro-batches that count', async () => {
  const program = await accumulatedProgram({ programs: programs() });
  const scalars = { rate: scalar(1) };
  await expect(program.run({ microBatches: [], scalars })).rejects.toThrow(/at least one/);
  for (const weight of [0, -1, Number.NaN])
    await expect(program.run({ microBatches: [{ batch: [1], weight }], scalars })).rejects.toThrow(
      /expected more than 0/,
    );
});
