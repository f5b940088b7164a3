import type { Step } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { type CompiledProgram, compile, type EngineName } from '../src';
import { eachEngine } from './eachEngine';
import { f32, i32 } from './hostTensors';

tf.enableProdMode();

type Tensors = Record<string, tf.Tensor>;
const state = { w: f32([1, 2]) };
const inputs = { x: { dtype: 'float32', shape: [2] } } as const;

/** What goes wrong with a step, at the latest in its first run; eager engines do not call it before. */
async function failure(engine: EngineName, wrong: (s: Tensors, i: Tensors) => unknown): Promise<string> {
  const before = tf.memory().numTensors;
  let program: CompiledProgram<Tensors, Tensors, Tensors> | undefined;
  try {
    program = await compile(wrong as Step<Tensors, Tensors, Tensors>, { state, inputs }, { engine });
    const held = tf.memory().numTensors;
    const ran = program.run({ x: f32([3, 4]) });
    const message = await ran.then(
      () => 'none',
      (error: Error) => error.message,
    );
    expect(tf.memory().numTensors).toBe(held);
    expect([...(await program.readState()).w!.data]).toEqual([1, 2]);
    return message;
  } catch (error) {
    return (error as Error).message;
  } finally {
    await program?.dispose();
    expect(tf.memory().numTensors).toBe(before);
    const engineState = tf.engine().state;
    expect(engineState.scopeStack.length).toBe(0);
    expect([engineState.gradientDepth, engineState.kernelDepth, engineState.activeTape ?? null]).toEqual([
      0,
      0,
      null,
    ]);
    expect(tf.getBackend()).toBe('cpu');
  }
}

const disposed = (x: tf.Tensor) => {
  const y = x.square();
  y.dispose();
  return y;
};
const WRONG: readonly (readonly [step: (s: Tensors, i: Tensors) => unknown, message: string])[] = [
  [async (state) => ({ state, outputs: {} }), "A step can't be async"],
  [
    async (state, { x }) => {
      const [first] = await x!.data();
      return { state, outputs: { y: x!.mul(first!) } };
    },
    "A step can't be async",
  ],
  [
    async (state, { x }) => {
      await Promise.resolve();
      return { state, outputs: { y: x!.square() } };
    },
    "A step can't be async",
  ],
  [() => undefined, 'The step returned undefined; expected { state, outputs }'],
  [() => null, 'The step returned null; expected'],
  [(_, { x }) => x!.mul(2), 'The step returned a tensor; expected'],
  [(_, { x }) => [x], 'The step returned an array of 1; expected'],
  [({ w }) => ({ outputs: { w } }), "The step returned no 'state'; expected { state, outputs }"],
  [(state) => ({ state }), "The step returned no 'outputs'; expected { state, outputs }"],
  [
    (state) => ({ state, outputs: { loss: 3 } }),
    "returned the output 'loss' as a number; expected a tensor: tf.scalar",
  ],
  [
    (state) => ({ state, outputs: { a: { loss: 'x' } } }),
    "returned the output 'a/loss' as a string; expected a tensor.",
  ],
  [(state) => ({ state, outputs: { loss: undefined } }), "returned the output 'loss' as undefined"],
  [(state, { x }) => ({ state, outputs: [x] }), 'returned the output as an array of 1'],
  [(state, { x }) => ({ state, outputs: { ys: [x] } }), "returned the output 'ys' as an array of 1"],
  [(state, { x }) => ({ state, outputs: { y: x!.data() } }), "returned the output 'y' as a Promise"],
  [() => ({ state: { w: 1 }, outputs: {} }), "returned the state 'w' as a number"],
  [({ w }) => ({ state: w, outputs: {} }), "returned no state 'w'"],
  [
    ({ w }) => ({ state: { w: w!.sum() }, outputs: {} }),
    "returned 'w' as float32 [], but got it as float32 [2]",
  ],
  [
    ({ w }) => ({ state: { w: w!.toInt() }, outputs: {} }),
    "returned 'w' as int32 [2], but got it as float32 [2]",
  ],
  [() => ({ state: {}, outputs: {} }), "returned no state 'w'"],
  [({ w }) => ({ state: { w, v: w }, outputs: {} }), "returned a state 'v' that it did not get"],
  [
    (state, { x }) => ({ state, outputs: { y: disposed(x!) } }),
    "The output 'y' is a tensor that was disposed",
  ],
  [
    (state) => {
      tf.engine().startScope('left open');
      tf.variable(tf.scalar(1)).dispose();
      return { state, outputs: 3 };
    },
    'returned the output as a number',
  ],
  [
    (state, { x }) => ({
      state,
      outputs: {
        y: tf.grad((x) => {
          const y = x.exp().mul(x).softmax().log();
          if (y.rank === 1) throw new Error('stop');
          return y;
        })(x!),
      },
    }),
    'stop',
  ],
  [
    (state, { x }) => {
      const custom = tf.customGrad((x, save) => {
        (save as (saved: tf.Tensor[]) => void)([x as tf.Tensor]);
        throw new Error('stop in the middle');
      });
      return { state, outputs: { y: tf.grad((x) => custom(x.square()))(x!) } };
    },
    'stop in the middle',
  ],
];

test('a step that is not what it should be is told so, and leaves nothing behind', async () => {
  const unhandled: unknown[] = [];
  const note = (reason: unknown) => unhandled.push(reason);
  process.on('unhandledRejection', note);
  await eachEngine(async (engine) => {
    for (const [step, message] of WRONG) expect(await failure(engine, step)).toContain(message);
  });
  await new Promise((resolve) => setTimeout(resolve, 10));
  process.off('unhandledRejection', note);
  expect(unhandled).toEqual([]);
});

test('a variable made by a step is gone after it was traced', () =>
  eachEngine(async (engine) => {
    if (engine === 'tfjs') return; // There it is a new one at every run, as in TensorFlow.js itself.
    const before = tf.memory().numTensors;
    const step = ({ w }: Tensors, { x }: Tensors) => {
      const v = tf.variable(w!, true, 'made in the step');
      const { grads } = tf.variableGrads(() => v.mul(x!).sum() as tf.Scalar, [v]);
      v.assign(v.sub(grads['made in the step']!));
      return { state: { w: v.mul(1) } as Tensors, outputs: {} as Tensors };
    };
    for (let i = 0; i < 2; i++) {
      const program = await compile(step, { state, inputs }, { engine });
      await program.run({ x: f32([3, 4]) });
      expect([...(await program.readState()).w!.data]).toEqual([-2, -2]);
      await program.dispose();
    }
    expect(tf.memory().numTensors).toBe(before);
  }));

test('a step that computes nothing keeps its state', () =>
  eachEngine(async (engine) => {
    const step = (state: Tensors) => ({ state, outputs: {} as Tensors });
    const program = await compile<Tensors, Tensors, Tensors>(step, { state, inputs }, { engine });
    expect(program.engine).toBe(engine);
    expect(await program.run({ x: f32([3, 4]) })).toEqual({});
    await expect(program.run({})).rejects.toThrow("The input 'x' is missing");
    expect([...(await program.readState()).w!.data]).toEqual([1, 2]);
    await program.writeState({ w: f32([5, 6]) });
    expect([...(await program.readState()).w!.data]).toEqual([5, 6]);
    expect([...state.w.data]).toEqual([1, 2]);
    await program.dispose();
    await program.dispose();
  }));

test('calls run in their order, and none after dispose, which may be called again', () =>
  eachEngine(async (engine) => {
    const before = tf.memory().numTensors;
    const step = ({ w }: Tensors, { x }: Tensors) => ({
      state: { w: w!.mul(x!) } as Tensors,
      outputs: { was: w! } as Tensors,
    });
    const program = await compile(step, { state, inputs }, { engine });
    const calls = [
      program.run({ x: f32([2, 2]) }),
      program.readState().then(({ w }) => [...w!.data]),
      program.run({ x: f32([1, 1]) }),
      program.writeState({ w: f32([5, 5]) }),
      program.run({ x: f32([3, 3]) }),
      program.readState().then(({ w }) => [...w!.data]),
    ] as const;
    const disposed = program.dispose();
    const again = program.dispose();
    const late = [program.run({ x: f32([1, 1]) }), program.readState(), program.writeState(state)];
    for (const call of late) await expect(call).rejects.toThrow('The program was disposed.');
    expect([...(await calls[0]).was!.data]).toEqual([1, 2]);
    expect(await calls[1]).toEqual([2, 4]);
    expect([...(await calls[2]).was!.data]).toEqual([2, 4]);
    expect([...(await calls[4]).was!.data]).toEqual([5, 5]);
    expect(await calls[5]).toEqual([15, 15]);
    await disposed;
    await again;
    await program.dispose();
    await expect(program.run({ x: f32([1, 1]) })).rejects.toThrow('The program was disposed.');
    expect(tf.memory().numTensors).toBe(before);
  }));

test('programs of several backends do not disturb each other', async () => {
  tf.registerBackend('another', () => tf.findBackend('cpu'));
  for (const kernel of tf.getKernelsForBackend('cpu'))
    tf.registerKernel({ ...kernel, backendName: 'another' });
  const seen: string[] = [];
  const make = (backend: string) =>
    compile(
      (state: Tensors, { x }: Tensors) => {
        seen.push(`${backend} on ${tf.getBackend()}`);
        return { state, outputs: { y: x!.mul(state.w!) } as Tensors };
      },
      { state, inputs },
      { engine: 'tfjs', backend },
    );
  const programs = [await make('cpu'), await make('another')];
  const runs = [0, 1, 2].flatMap(() => programs.map((program) => program.run({ x: f32([3, 4]) })));
  for (const { y } of await Promise.all(runs)) expect([...y!.data]).toEqual([3, 8]);
  expect(new Set(seen)).toEqual(new Set(['cpu on cpu', 'another on another']));
  for (const program of programs) await program.dispose();
  await tf.setBackend('cpu');
});

test('a counter of whole numbers that a number made a float is told how to stay one', () =>
  eachEngine(async (engine) => {
    const count = i32([0], []);
    const counting = async (next: (count: tf.Tensor) => tf.Tensor) => {
      const program = await compile<Tensors, Tensors, Tensors>(
        ({ count }) => ({ state: { count: next(count!) }, outputs: {} }),
        { state: { count }, inputs: {} },
        { engine },
      );
      await program.run({});
      return (await program.readState()).count!.data[0];
    };
    await expect(counting((n) => n.add(1))).rejects.toThrow(
      "returned 'count' as float32 [], but got it as int32 []. A number makes it float32: write x.add(tf.scalar(1, 'int32'))",
    );
    expect(await counting((n) => n.add(tf.scalar(1, 'int32')))).toBe(1);
  }));
