import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { compile } from '../src';
import { findOnnxruntime } from '../src/engines/onnxruntime/onnxruntimePrograms';
import { deviceMemory } from '../src/engines/onnxruntime/stateMemory';
import { encodeOnnx } from '../src/onnx/proto';
import { numbers } from './hostTensors';

tf.enableProdMode();

type Tensors = Record<string, tf.Tensor>;
type HostTensors = Record<string, HostTensor>;
const specOf = ({ shape }: HostTensor) => ({ dtype: 'float32', shape }) as const;
const engine = { engine: 'onnxruntime', numThreads: 1 } as const;

describe('the state in place', () => {
  /** A network with clipped gradients and momentum: each parameter's update needs all gradients. */
  const step =
    (outputs: (state: Tensors) => Tensors) =>
    (state: Tensors, { x }: Record<'x', tf.Tensor>) => {
      const names = Object.keys(state).filter((name) => name.startsWith('w'));
      const loss = (...weights: tf.Tensor[]) =>
        weights
          .reduce((h, w) => tf.softmax(tf.matMul(h.tanh(), w)), x)
          .square()
          .sum();
      const gradients = tf.grads(loss)(names.map((name) => state[name]!));
      const norm = tf.sqrt(tf.addN(gradients.map((g) => g.square().sum())));
      const rate = tf.minimum(tf.div(0.5, norm), 1);
      const next: Tensors = {};
      names.forEach((name, i) => {
        const m = state[`m${name}`]!.mul(0.9).add(gradients[i]!.mul(rate));
        next[`m${name}`] = m;
        next[name] = state[name]!.mul(0.999).sub(m);
      });
      return { state: next, outputs: { ...outputs(state), norm } };
    };
  const size = 32;
  const state: HostTensors = {};
  for (const layer of [1, 2, 3, 4]) {
    state[`w${layer}`] = numbers([size, size], layer);
    state[`mw${layer}`] = numbers([size, size], layer + 9);
  }
  const inputs = (seed: number) => ({ x: numbers([5, size], seed) });

  test('gives the same bits as a state that is held twice', async () => {
    const bits = async (outputs: (state: Tensors) => Tensors) => {
      const program = await compile(step(outputs), { state, inputs: { x: specOf(inputs(0).x) } }, engine);
      for (let i = 0; i < 5; i++) await program.run(inputs(i));
      const after = (await program.readState()) as HostTensors;
      const all = Object.entries(after).map(([name, { data }]) => [name, [...data]] as const);
      await program.dispose();
      return Object.fromEntries(all);
    };
    // What is an output as it was may not be overwritten.
    const twice = await bits((old) =>
      Object.fromEntries(Object.entries(old).map(([k, t]) => [`old/${k}`, t])),
    );
    expect(await bits(() => ({}))).toEqual(twice);
  });
  test('is written from outside, read, and left as it was by an input that does not fit', async () => {
    const program = await compile(
      step(() => ({})),
      { state, inputs: { x: specOf(inputs(0).x) } },
      engine,
    );
    await program.run(inputs(0));
    await program.writeState(state);
    await expect(program.run({ x: numbers([5, 1], 0) })).rejects.toThrow(/'x' is float32 \[5,1\]/);
    const read = (await program.readState()) as HostTensors;
    for (const [name, { data }] of Object.entries(state)) expect(read[name]!.data).toEqual(data);
    await program.dispose();
  });
});

describe('a run', () => {
  const size = 512;
  const powers = ({ w }: Record<'w', tf.Tensor>) => {
    const product = Array.from({ length: 30 }).reduce<tf.Tensor>((x) => tf.matMul(x, w).tanh(), w);
    return { state: { w: product }, outputs: { sum: product.sum(), positive: product.greater(0).any() } };
  };
  const make = () => compile(powers, { state: { w: numbers([size, size], 1) }, inputs: {} }, engine);

  test('leaves the event loop free', async () => {
    const program = await make();
    let done = false;
    const running = program.run({}).then(() => {
      done = true;
    });
    let ticks = 0;
    while (!done) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      ticks++;
    }
    await running;
    expect(ticks).toBeGreaterThan(3);
    await program.dispose();
  });
  test('waits for those before it, and disposing waits for all', async () => {
    const [program, other] = [await make(), await make()];
    const calls = [program.run({}), program.run({}), program.readState(), program.dispose()] as const;
    await other.run({});
    const expected = await other.run({});
    const [, second, state] = await Promise.all(calls);
    expect(second).toEqual(expected);
    expect(second.positive.dtype).toBe('uint8');
    expect(state).toEqual(await other.readState());
    await other.dispose();
    await expect(program.run({})).rejects.toThrow('The program was disposed.');
    await program.dispose();
  });
  test("brings the library's own message when it fails", async () => {
    const { library } = (await findOnnxruntime())!;
    const x = { name: 'x', dtype: 'float32', shape: [2] } as const;
    const y = { name: 'y', dtype: 'float32', shape: [2] } as const;
    const model = {
      nodes: [{ op: 'Nonsense', inputs: ['x'], outputs: ['y'] }],
      initializers: [],
      inputs: [x],
      outputs: [y],
    };
    await expect(library.createSession(encodeOnnx(model))).rejects.toThrow(
      /onnxruntime 1\.\d+\.\d+ failed compiling the program: .*Nonsense/,
    );
  });
});

describe('devices', () => {
  const make = (device: string) =>
    compile(
      ({ a }: Record<'a', tf.Tensor>) => ({ state: { a: a.add(1) }, outputs: {} }),
      { state: { a: numbers([4], 1) }, inputs: {} },
      { engine: 'onnxruntime', device: device as 'cuda' },
    ).then(
      (program) => program.dispose(),
      (error: Error) => error.message,
    );
  test('one that is unknown', async () => {
    expect(await make('tpu')).toBe(
      "The engine 'onnxruntime' has no device 'tpu'. Devices: cpu, cuda, webgpu.",
    );
  });
  // A machine that has the device gives no message.
  test.each(['cuda', 'webgpu'])('%s, where it is not there, says what it needs', async (device) => {
    const message = await make(device);
    if (message !== undefined) {
      expect(message).toMatch(
        new RegExp(`The device '${device}' can't be used: onnxruntime .*It needs a`, 's'),
      );
    }
  });

  test('memory of a device is written, updated in place by a run, and read', async () => {
    const { library: ort } = (await findOnnxruntime())!;
    const spec = { dtype: 'float32', shape: [2, 3] } as const;
    const session = await ort.createSession(
      encodeOnnx({
        nodes: [{ op: 'Add', inputs: ['a', 'a'], outputs: ['b'] }],
        initializers: [],
        inputs: [{ name: 'a', ...spec }],
        outputs: [{ name: 'b', ...spec }],
      }),
    );
    // Tensors that the library allocates, as on a GPU.
    const memory = deviceMemory(ort, session, 'Cpu', {});
    const [a, other] = [memory.allocate(spec), memory.allocate(spec)];
    const held = { path: 'a', spec, tensor: a };
    const both = [held, { path: 'other', spec, tensor: other }];
    const given = numbers([2, 3], 1).data;
    await memory.write(
      both,
      new Map([
        ['a', given.map((x) => -x)],
        ['other', given],
      ]),
    );
    await memory.write([held], new Map([['a', given]]));
    const binding = ort.createBinding(session);
    ort.bindInput(binding, 'a', a);
    ort.bindOutput(binding, 'b', a);
    for (let i = 0; i < 3; i++) await ort.run(session, binding);
    const eightfold = given.map((x) => 8 * x);
    expect(await memory.read(both)).toEqual(
      new Map([
        ['a', eightfold],
        ['other', given],
      ]),
    );
    expect(await memory.read([held])).toEqual(new Map([['a', eightfold]]));
    ort.releaseBinding(binding);
    for (const tensor of [a, other]) ort.releaseTensor(tensor);
    memory.dispose();
    ort.releaseSession(session);
  });
});
