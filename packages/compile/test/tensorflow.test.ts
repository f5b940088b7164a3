import * as tf from '@tensorflow/tfjs';
import { whereInstalled } from '../../../tooling/jest/whereInstalled';
import { compile, useTensorflow } from '../src';
import { numbers } from './hostTensors';

type Tensors = Record<string, tf.Tensor>;

/** Three layers with momentum: state that changes, state that stays, and an output. */
const step = (state: Tensors, { x, rate }: Record<'x' | 'rate', tf.Tensor>) => {
  const { value, grads } = tf.valueAndGrads((w1, w2) =>
    tf
      .matMul(tf.relu(tf.matMul(x, w1)), w2)
      .sub(state.target!)
      .square()
      .mean(),
  )([state.w1!, state.w2!]);
  const momentum = state.momentum!.mul(0.9).add(grads[0]!);
  const next = { w1: state.w1!.sub(momentum.mul(rate)), w2: state.w2!.sub(grads[1]!.mul(rate)) };
  return { state: { ...state, ...next, momentum } as Tensors, outputs: { loss: value as tf.Tensor } };
};
const state = {
  w1: numbers([3, 8], 1),
  w2: numbers([8, 2], 2),
  momentum: numbers([3, 8], 3),
  target: numbers([5, 2], 4),
};
const rate = { dtype: 'float32', shape: [], data: Float32Array.of(0.05) } as const;
const inputs = { x: numbers([5, 3], 5), rate };
const specs = { x: { dtype: 'float32', shape: [5, 3] }, rate } as const;

whereInstalled('TensorFlow', () => {
  test('a program on TensorFlow is the one of the cpu backend, and leaves no tensor behind', async () => {
    const reference = await compile(step, { state, inputs: specs }, { engine: 'tfjs', backend: 'cpu' });
    const expected: number[] = [];
    for (let i = 0; i < 5; i++) expected.push((await reference.run(inputs)).loss.data[0]!);
    const last = await reference.readState();
    await reference.dispose();

    const program = await compile(step, { state, inputs: specs }, { engine: 'tensorflow' });
    expect(program.engine).toBe('tensorflow');
    const losses = [(await program.run(inputs)).loss.data[0]!];
    const { numTensors } = tf.memory();
    for (let i = 1; i < 5; i++) {
      losses.push((await program.run(inputs)).loss.data[0]!);
      expect(tf.memory().numTensors).toBe(numTensors);
    }
    losses.forEach((loss, i) => {
      expect(loss / expected[i]!).toBeCloseTo(1, 5);
    });
    const now = await program.readState();
    last.w1!.data.forEach((w, i) => {
      expect(now.w1!.data[i]).toBeCloseTo(w, 5);
    });
    await program.writeState(state);
    expect((await program.run(inputs)).loss.data[0]).toBe(losses[0]);
    await program.dispose();
    expect(tf.memory().numTensors).toBe(numTensors - Object.keys(state).length);

    await useTensorflow('tensorflow');
    expect(tf.getBackend()).toBe('tensorflow');
    await expect(useTensorflow('tensorflow-gpu')).rejects.toThrow(
      /not installed|A process can use one TensorFlow/,
    );
  });
});
