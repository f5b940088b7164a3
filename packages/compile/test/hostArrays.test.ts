import vm from 'node:vm';
import { MessageChannel } from 'node:worker_threads';
import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { compile, type EngineName } from '../src';
import { eachEngine } from './eachEngine';
import { f32, i32 } from './hostTensors';

tf.enableProdMode();

type Tensors = Record<string, tf.Tensor>;

/** Doubles a float32 and an int32 input; its state adds up the first. */
const doubling = (engine: EngineName, w: HostTensor | tf.Tensor = f32([0, 0, 0])) =>
  compile(
    ({ w }: Tensors, { x, n }: Tensors) => ({
      state: { w: w!.add(x!) } as Tensors,
      outputs: { y: x!.mul(2), m: n!.mul(tf.scalar(2, 'int32')) } as Tensors,
    }),
    { state: { w } as Record<string, HostTensor>, inputs: { x: f32([0, 0, 0]), n: i32([0, 0]) } },
    { engine },
  );
const given = (x: unknown, n: unknown = i32([1, 2]).data) => ({
  x: { ...f32([1, 2, 3]), data: x } as HostTensor,
  n: { ...i32([1, 2]), data: n } as HostTensor,
});

const WRONG: readonly (readonly [unknown, string])[] = [
  [Float64Array.of(1, 2, 3), 'a Float64Array of 3'],
  [Int32Array.of(1, 2, 3), 'an Int32Array of 3'],
  [new Uint8Array(3), 'a Uint8Array of 3'],
  [new Uint8Array(12), 'a Uint8Array of 12'],
  [Float32Array.of(1, 2), 'a Float32Array of 2'],
  [Float32Array.of(1, 2, 3, 4), 'a Float32Array of 4'],
  [[1, 2, 3], 'an array of 3'],
  [new ArrayBuffer(12), 'an ArrayBuffer'],
  [new DataView(new ArrayBuffer(12)), 'a DataView'],
  [{ length: 3, 0: 1, 1: 2, 2: 3, [Symbol.toStringTag]: 'Float32Array' }, 'a Float32Array'],
  [undefined, 'undefined'],
  [null, 'null'],
];

test('the type and the length of every array that comes in are checked', () =>
  eachEngine(async (engine) => {
    const program = await doubling(engine);
    const { port1 } = new MessageChannel();
    const detached = Float32Array.of(1, 2, 3);
    port1.postMessage(detached, [detached.buffer]);
    port1.close();
    const wrong = [...WRONG, [detached, 'a Float32Array of 0, whose memory was transferred away'] as const];
    for (const [data, is] of wrong) {
      const message = `is float32 [3], so its data must be a Float32Array of 3; got ${is}.`;
      await expect(program.run(given(data))).rejects.toThrow(`The input 'x' ${message}`);
      const w = { ...f32([1, 2, 3]), data } as HostTensor;
      await expect(program.writeState({ w })).rejects.toThrow(`The state 'w' ${message}`);
      await expect(doubling(engine, w)).rejects.toThrow(`The state 'w' ${message}`);
    }
    await expect(program.run(given(f32([1, 2, 3]).data, f32([1, 2]).data))).rejects.toThrow(
      "The input 'n' is int32 [2], so its data must be an Int32Array of 2; got a Float32Array of 2.",
    );
    // None of these has moved the state.
    expect([...(await program.readState()).w!.data]).toEqual([0, 0, 0]);
    await program.dispose();
  }));

test('arrays over shared memory, of another realm and within a larger buffer are as good', () =>
  eachEngine(async (engine) => {
    const program = await doubling(engine, tf.tensor1d([1, 1, 1]));
    const shared = new Float32Array(new SharedArrayBuffer(12));
    shared.set([1, 2, 3]);
    const { floats, integers } = vm.runInNewContext(
      '({ floats: Float32Array.of(1, 2, 3), integers: Int32Array.of(1, 2) })',
    );
    expect(floats).not.toBeInstanceOf(Float32Array);
    const within = Float32Array.of(9, 1, 2, 3, 9).subarray(1, 4);
    for (const x of [shared, floats, within]) {
      const { y, m } = await program.run(given(x, integers));
      expect([...y!.data]).toEqual([2, 4, 6]);
      expect([...m!.data]).toEqual([2, 4]);
    }
    expect([...(await program.readState()).w!.data]).toEqual([4, 7, 10]);
    await program.writeState({ w: { ...f32([0, 0, 0]), data: floats } });
    expect([...(await program.readState()).w!.data]).toEqual([1, 2, 3]);
    await program.dispose();
  }));

test("tensors of TensorFlow.js are taken as they are, and stay their owner's", () =>
  eachEngine(async (engine) => {
    const before = tf.memory().numTensors;
    const [w, x, n] = [tf.tensor1d([1, 1, 1]), tf.tensor1d([1, 2, 3]), tf.tensor1d([3, 4], 'int32')];
    const step = ({ w }: { w: tf.Tensor }, { x, n }: { x: tf.Tensor; n: tf.Tensor }) => ({
      state: { w: w.add(x) },
      outputs: { m: n.mul(tf.scalar(2, 'int32')) },
    });
    const program = await compile(step, { state: { w }, inputs: { x, n } }, { engine });
    const first = program.run({ x, n });
    const second = program.run({ x: f32([...x.dataSync()]), n });
    const released = x.clone();
    const third = program.run({ x: released, n });
    released.dispose();
    expect([...(await first).m.data]).toEqual([6, 8]);
    await second;
    await third;
    expect([...(await program.readState()).w.data]).toEqual([4, 7, 10]);
    await program.writeState({ w });
    expect([...(await program.readState()).w.data]).toEqual([1, 1, 1]);
    await expect(program.run({ x: n, n })).rejects.toThrow("The input 'x' is int32 [2]");
    await expect(program.run({ x: released, n })).rejects.toThrow("'x' is a tf.Tensor that was disposed");
    await program.dispose();
    expect([...x.dataSync(), ...w.dataSync(), ...n.dataSync()]).toEqual([1, 2, 3, 1, 1, 1, 3, 4]);
    tf.dispose([w, x, n]);
    expect(tf.memory().numTensors).toBe(before);
  }));

test('a run computes what its inputs held when it was asked for', () =>
  eachEngine(async (engine) => {
    const program = await doubling(engine);
    const x = Float32Array.of(1, 2, 3);
    const n = Int32Array.of(1, 2);
    const runs: Promise<Record<string, HostTensor>>[] = [];
    for (let i = 0; i < 5; i++) {
      x.fill(i);
      n.fill(10 * i);
      runs.push(program.run(given(x, n)));
    }
    x.fill(99);
    n.fill(99);
    const w = f32([7, 7, 7]);
    const written = program.writeState({ w });
    w.data.fill(99);
    for (const [i, run] of runs.entries()) {
      const { y, m } = await run;
      expect([...y!.data, ...m!.data]).toEqual([2 * i, 2 * i, 2 * i, 20 * i, 20 * i]);
    }
    await written;
    const alone = program.writeState({ w });
    w.data.fill(-1);
    await alone;
    expect([...(await program.readState()).w!.data]).toEqual([99, 99, 99]);
    await program.dispose();
  }));

test('outputs belong to the caller, who may write into them', () =>
  eachEngine(async (engine) => {
    const constant = tf.tensor1d([5, 6]);
    const x = tf.tensor1d([3, 4]);
    const step = ({ w }: Tensors, { x }: Tensors) => {
      const y = x!.mul(w!);
      return { state: { w: y } as Tensors, outputs: { w: w!, x: x!, y, again: y, constant } as Tensors };
    };
    const program = await compile(step, { state: { w: f32([1, 2]) }, inputs: { x } }, { engine });
    const first = await program.run({ x });
    expect(Object.values(first).map(({ data }) => [...data])).toEqual([
      [1, 2],
      [3, 4],
      [3, 8],
      [3, 8],
      [5, 6],
    ]);
    for (const [i, { data }] of Object.values(first).entries()) data.fill(-i);
    expect(Object.values(first).map(({ data }) => data[0])).toEqual([-0, -1, -2, -3, -4]);
    expect([...(await program.readState()).w!.data]).toEqual([3, 8]);
    const { y, constant: same } = await program.run({ x });
    expect([...y!.data, ...same!.data, ...x.dataSync()]).toEqual([9, 32, 5, 6, 3, 4]);
    await program.dispose();
    tf.dispose([constant, x]);
  }));

test('what is no tensor is told so in a sentence', () =>
  eachEngine(async (engine) => {
    const make = (state: unknown, inputs: unknown) =>
      compile(
        (state: Tensors) => ({ state, outputs: { y: tf.scalar(1) } }),
        { state: state as Record<string, HostTensor>, inputs: inputs as Record<string, HostTensor> },
        { engine },
      );
    const SPECS = [
      [
        { x: { dtype: 'float32', shape: [-1, 3] } },
        "The input 'x' has shape [-1,3]; expected a list of sizes",
      ],
      [{ x: { dtype: 'float32', shape: [null, 3] } }, 'has shape [null,3]'],
      [{ x: { dtype: 'float32', shape: [2.5] } }, 'has shape [2.5]'],
      [{ x: { dtype: 'float32', shape: [Number.NaN] } }, 'has shape [NaN]'],
      [{ x: { dtype: 'float32', shape: ['batch'] } }, "has shape ['batch']"],
      [{ x: { dtype: 'float32' } }, "The input 'x' has no shape"],
      [{ x: { dtype: 'float32', shape: 3 } }, "The input 'x' has no shape"],
      [{ x: { shape: [3] } }, "The input 'x' has no dtype; a program takes float32 and int32"],
      [{ x: { dtype: 'bool', shape: [3] } }, "The input 'x' has dtype 'bool'"],
      [{ a: { x: null } }, "The input 'a/x' is null; expected { dtype: 'float32' or 'int32', shape"],
      [{ x: undefined }, "The input 'x' is undefined"],
      [{ x: [2, 3] }, "The input 'x' is an array of 2"],
      [{ x: 'float32' }, "The input 'x' is a string"],
      [undefined, 'The input is undefined'],
    ] as const;
    for (const [inputs, message] of SPECS) await expect(make({}, inputs)).rejects.toThrow(message);
    await expect(make({ w: 5 }, {})).rejects.toThrow("The state 'w' is a number; expected { dtype");
    await expect(make({ w: Float32Array.of(1) }, {})).rejects.toThrow("The state 'w' is a Float32Array of 1");
    await expect(make({ w: [1, 2] }, {})).rejects.toThrow("The state 'w' is an array of 2");
    await expect(make({ w: Promise.resolve() }, {})).rejects.toThrow("The state 'w' is a Promise");
    await expect(make(null, {})).rejects.toThrow('The state is null');
    await expect(make({ w: { dtype: 'float32', shape: [1] } }, {})).rejects.toThrow('got undefined');

    const program = await make({}, { x: { dtype: 'float32', shape: [1] } });
    await expect(program.run({ x: [1] as unknown as HostTensor })).rejects.toThrow(
      "The input 'x' is an array of 1; expected { dtype: 'float32' or 'int32', shape",
    );
    await expect(program.run(undefined as unknown as Record<string, HostTensor>)).rejects.toThrow(
      'The input is undefined',
    );
    await program.dispose();
  }));
