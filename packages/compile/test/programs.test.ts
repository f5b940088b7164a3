/** Several steps over one state: what one writes, the others read. */
import { sizeOf } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { compileForward, compilePrograms } from '../src';
import { eachEngine } from './eachEngine';
import { f32, i32, tensorOf } from './hostTensors';

tf.enableProdMode();

interface State {
  params: { w: tf.Tensor; b: tf.Tensor };
  gradients: { w: tf.Tensor; b: tf.Tensor };
  steps: tf.Tensor;
}

const float = (shape: readonly number[], f: (i: number) => number) =>
  f32(
    Array.from({ length: sizeOf(shape) }, (_, i) => f(i)),
    shape,
  );

const SPEC = { dtype: 'float32', shape: [4, 3] } as const;
const begin = () => ({
  params: { w: float([3, 2], (i) => i / 3 - 1), b: float([2], (i) => i + 0.5) },
  gradients: { w: float([3, 2], () => 0), b: float([2], () => 0) },
  steps: i32([0], []),
});
const batch = (n: number) => float([4, 3], (i) => Math.sin(i + 7 * n));

const loss = ({ w, b }: State['params'], x: tf.Tensor) =>
  tf.mean(tf.square(tf.tanh(tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b)))) as tf.Scalar;

const steps = {
  accumulate: ({ params, gradients, steps }: State, { x }: { x: tf.Tensor }) => {
    const { value, grads } = tf.valueAndGrads((w, b) => loss({ w, b }, x))([params.w, params.b]);
    const [dw, db] = grads as [tf.Tensor, tf.Tensor];
    const sums = { w: tf.add(gradients.w, dw), b: tf.add(gradients.b, db) };
    return { state: { params, gradients: sums, steps }, outputs: { loss: value } };
  },
  update: ({ params, gradients, steps }: State, { rate }: { rate: tf.Tensor }) => {
    const moved = (name: 'w' | 'b') => tf.sub(params[name], tf.mul(rate, gradients[name])) as tf.Tensor;
    return {
      state: {
        params: { w: moved('w'), b: moved('b') },
        gradients: { w: tf.zerosLike(gradients.w), b: tf.zerosLike(gradients.b) },
        steps: tf.add(steps, tf.scalar(1, 'int32')),
      },
      outputs: {},
    };
  },
  predict: (state: State, { x }: { x: tf.Tensor }) => ({
    state,
    outputs: { y: tf.matMul(x as tf.Tensor2D, state.params.w as tf.Tensor2D) },
  }),
};
const inputs = {
  accumulate: { x: SPEC },
  update: { rate: { dtype: 'float32', shape: [] } },
  predict: { x: SPEC },
} as const;

/** What comes of three updates of two batches each, on tensors of TensorFlow.js. */
function expected() {
  const { params, gradients, steps: count } = begin();
  let state: State = {
    params: { w: tensorOf(params.w), b: tensorOf(params.b) },
    gradients: { w: tensorOf(gradients.w), b: tensorOf(gradients.b) },
    steps: tensorOf(count),
  };
  const losses: number[] = [];
  for (let n = 0; n < 6; n++) {
    const { state: next, outputs } = steps.accumulate(state, { x: tensorOf(batch(n)) });
    losses.push(Number(outputs.loss.dataSync()[0]));
    state = n % 2 === 1 ? steps.update(next, { rate: tf.scalar(0.1) }).state : next;
  }
  const y = steps.predict(state, { x: tensorOf(batch(9)) }).outputs.y;
  return { losses, w: state.params.w.dataSync(), b: state.params.b.dataSync(), y: y.dataSync() };
}

const close = (actual: ArrayLike<number>, wanted: ArrayLike<number>) => {
  expect(actual).toHaveLength(wanted.length);
  Array.from(wanted).forEach((value, i) => {
    expect(actual[i]).toBeCloseTo(value, 5);
  });
};

test('gradients are added up by one program and taken by another, where they are', () =>
  eachEngine(async (engine) => {
    const wanted = expected();
    const programs = await compilePrograms(
      steps,
      { state: begin(), inputs },
      { engine, numThreads: 1, programCache: false },
    );
    expect(programs.engine).toBe(engine);
    const losses: number[] = [];
    for (let n = 0; n < 6; n++) {
      const { loss } = await programs.run.accumulate({ x: batch(n) });
      losses.push(Number(loss.data[0]));
      if (n % 2 === 1) await programs.run.update({ rate: float([], () => 0.1) });
    }
    close(losses, wanted.losses);
    const { params, steps: count } = await programs.readState();
    close(params.w.data, wanted.w);
    close(params.b.data, wanted.b);
    expect([...count.data]).toEqual([3]);
    close((await programs.run.predict({ x: batch(9) })).y.data, wanted.y);
    await programs.dispose();
    await programs.dispose();
  }));

test('groups of the state are read and written alone', () =>
  eachEngine(async (engine) => {
    const programs = await compilePrograms(
      steps,
      { state: begin(), inputs },
      { engine, numThreads: 1, programCache: false },
    );
    await programs.run.accumulate({ x: batch(0) });
    const { gradients, ...others } = await programs.readState(['gradients']);
    expect(others).toEqual({});
    const sum = [...gradients.b.data];
    expect(sum.some((value) => value !== 0)).toBe(true);
    const ones = { w: float([3, 2], () => 1), b: float([2], () => 1) };
    await programs.writeState({ params: ones });
    const { params, gradients: kept, steps: count } = await programs.readState();
    expect([...params.w.data, ...params.b.data]).toEqual(new Array(8).fill(1));
    expect([...kept.b.data]).toEqual(sum);
    expect([...count.data]).toEqual([0]);
    // All calls at once are as one after the other.
    await Promise.all([
      programs.writeState({ gradients: ones }),
      programs.run.update({ rate: float([], () => 0.5) }),
      programs.run.update({ rate: float([], () => 0.5) }),
    ]);
    expect([...(await programs.readState(['params'])).params.b.data]).toEqual([0.5, 0.5]);

    const unknown = { momentum: ones } as object;
    await expect(programs.writeState(unknown)).rejects.toThrow(
      "The program has no state 'momentum'. It has: params, gradients, steps.",
    );
    await expect(programs.writeState({ params: { ...ones, b: ones.w } })).rejects.toThrow(
      "The state 'params/b' is float32 [3,2], but the program was compiled for float32 [2].",
    );
    await programs.dispose();
    await expect(programs.readState(['params'])).rejects.toThrow('The program was disposed.');
  }));

test('a step that does not return all of the state is named with what is missing', async () => {
  const forgetful = { ...steps, update: (_: State) => ({ state: {}, outputs: {} }) };
  await expect(
    compilePrograms(forgetful, { state: begin(), inputs }, { engine: 'onnxruntime' }),
  ).rejects.toThrow("The step returned no state 'params/w'. It must return every tensor that it got.");
});

test('a forward program has the parameters for its state', () =>
  eachEngine(async (engine) => {
    const program = await compileForward(
      ({ w }: { w: tf.Tensor }, { x }: { x: tf.Tensor }) => ({ y: tf.add(x, w) }),
      { params: { w: float([2], (i) => i) }, inputs: { x: { dtype: 'float32', shape: [2] } } },
      { engine, numThreads: 1, programCache: false },
    );
    const x = float([2], () => 10);
    expect([...(await program.run({ x })).y.data]).toEqual([10, 11]);
    await program.writeState({ w: float([2], () => -10) });
    expect([...(await program.run({ x })).y.data]).toEqual([0, 0]);
    await program.dispose();
  }));
