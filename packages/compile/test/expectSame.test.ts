/** What compares engines can fail: each engine's results are altered, and that has to be seen. */
import type { HostTensor, NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import * as src from '../src';
import { compiledEngines, tracingEngines } from './compiledEngines';
import { eachEngine } from './eachEngine';
import { type Case, CLOSE, differences, expectSame, given } from './expectSame';
import { expectSameSteps } from './expectSameSteps';
import { f32, i32 } from './hostTensors';

jest.mock('../src', () => {
  const actual = jest.requireActual<typeof src>('../src');
  return { ...actual, compile: jest.fn(actual.compile), availableEngines: jest.fn(actual.availableEngines) };
});
const { compile, availableEngines } = jest.requireActual<typeof src>('../src');
beforeEach(() => {
  jest.mocked(src.compile).mockImplementation(compile);
  jest.mocked(src.availableEngines).mockImplementation(availableEngines);
});

type Tensors = Record<string, tf.Tensor>;
type Altered = (outputs: NamedTensors) => NamedTensors;

/** All engines but TensorFlow.js put out, or have as their state, something else. */
function alter(change: Partial<Record<'run' | 'readState', Altered>>): void {
  const altered: unknown = async (...args: Parameters<typeof src.compile>) => {
    const program = await compile(...args);
    if (args[2]?.engine === 'tfjs') return program;
    const { run = (x) => x, readState = (x) => x } = change;
    return {
      ...program,
      run: async (x: never) => run((await program.run(x)) as NamedTensors),
      readState: async () => readState((await program.readState()) as NamedTensors),
    };
  };
  jest.mocked(src.compile).mockImplementation(altered as typeof src.compile);
}
const first = (change: (y: HostTensor) => HostTensor) => (outputs: NamedTensors) => ({
  ...outputs,
  y: change(outputs.y!),
});
const put = (value: number) => first((y) => ({ ...y, data: y.data.map((x, i) => (i === 0 ? value : x)) }));

const { NaN: none, POSITIVE_INFINITY: infinity } = Number;
const x = f32([1, none, infinity, 0, 100]);
const floats = given({ x }, (t) => t.x.mul(1));
const integers = given({ n: i32([16777217, 2, 0]) }, ({ n }) => n.reverse().reverse());
const ones = given({ x }, (t) => tf.onesLike(t.x));
const own: Case = {
  ...floats,
  own: (t) => ({ own: t.x!.add(1) }),
  wrong: (made) => (made.own!.data[0] === 2 ? undefined : 'own is wrong'),
};

test.each<[string, Case, Altered]>([
  ['a wrong number', floats, put(1.0000001)],
  ['a wrong number that is close', { ...floats, ...CLOSE }, put(1.0011)],
  [
    'a number instead of NaN',
    { ...floats, ...CLOSE },
    first((y) => ({ ...y, data: y.data.map((e) => e || 0) })),
  ],
  ['NaN instead of a number', { ...floats, ...CLOSE }, put(none)],
  ['an infinity instead of a number', { ...floats, ...CLOSE }, put(infinity)],
  [
    'a number instead of an infinity',
    { ...floats, tolerance: { relative: 1, absolute: 1, ofLargest: 1 } },
    first((y) => ({ ...y, data: y.data.map((e) => Math.min(e, 3e38)) })),
  ],
  ['a wrong integer', { ...integers, tolerance: { ofLargest: 1e-3 } }, put(16777216)],
  ['another dtype', ones, first(({ shape, data }) => i32(data, shape))],
  ['an array of another type', ones, first((y) => ({ ...y, data: Float64Array.from(y.data) as never }))],
  ['another shape', ones, first((y) => ({ ...y, shape: [5, 1] }))],
  ['a result that is missing', ones, () => ({})],
  ['one that nobody asked for', ones, (outputs) => ({ ...outputs, z: x })],
  ['what the case itself finds wrong', own, (outputs) => ({ ...outputs, own: x })],
  ['that own results are missing', own, ({ y }) => ({ y: y! })],
])('%s is seen, in inputs and in constants', async (_name, example, change) => {
  expect(await differences(example)).toEqual({});
  alter({ run: change });
  const found = await differences(example);
  expect(Object.keys(found)).toEqual(await tracingEngines());
  await expect(expectSame(example)).rejects.toThrow('toEqual');
  for (const as of ['inputs', 'constants']) {
    let calls = 0;
    // The first program of each engine has inputs, the second constants.
    alter({ run: (outputs) => (calls++ % 2 === (as === 'inputs' ? 0 : 1) ? change(outputs) : outputs) });
    expect(Object.keys(await differences(example))).toEqual(Object.keys(found));
  }
});

test('the sign of a zero is not', async () => {
  alter({ run: first((y) => ({ ...y, data: y.data.map((e) => (e === 0 ? -0 : e)) })) });
  await expectSame(floats);
});

test('that eager results are not those that are right is seen', async () => {
  const expected = { y: f32([1, none, infinity, 0, 101]) };
  expect(Object.keys(await differences({ ...floats, expected }))).toEqual(await tracingEngines());
});

test('that a case expects nothing is seen', async () => {
  expect(Object.keys(await differences(given({ x }, () => ({}))))).toEqual(await tracingEngines());
});

test('a wrong output and a wrong state of a step are seen', async () => {
  const step = ({ w }: Tensors, { x }: Tensors) => ({
    state: { w: w!.add(x!) } as Tensors,
    outputs: { y: w!.mul(2) } as Tensors,
  });
  const run = () => expectSameSteps(step, { w: f32([1, 2]) }, { x: f32([3, 4]) });
  await run();
  alter({ run: put(2.1) });
  await expect(run()).rejects.toThrow('run 0, output y: 2.09');
  alter({ readState: ({ w }) => ({ w: { ...w!, data: w!.data.map((e) => e * 1.001) } }) });
  await expect(run()).rejects.toThrow('run 1, state w: 10.01');
});

test('that no engine is here is an error', async () => {
  for (const engines of [['tfjs'], ['tensorflow', 'tfjs']] as const) {
    jest.mocked(src.availableEngines).mockImplementation(async () => [...engines]);
    for (const use of [
      compiledEngines,
      tracingEngines,
      () => eachEngine(async () => {}),
      () => expectSame(floats),
    ])
      await expect(use()).rejects.toThrow("The engine 'onnxruntime' can't be used here");
  }
});
