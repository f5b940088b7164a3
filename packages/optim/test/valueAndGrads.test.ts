import * as tf from '@tensorflow/tfjs';
import { valueAndGrads } from '../src/valueAndGrads';

beforeAll(() => tf.setBackend('cpu'));

test('loss, other outputs and gradients; zeros for a parameter that has no influence', () => {
  const params = { w: tf.tensor1d([1, 2, 3]), idle: tf.tensor2d([[4, 5]]) };
  const { loss, outputs, gradients } = valueAndGrads(({ w }) => {
    const square = tf.square(w!);
    return { loss: tf.sum(square) as tf.Tensor, square, largest: tf.argMax(w!) };
  }, params);
  expect(loss.dataSync()[0]).toBe(14);
  expect([...outputs.square!.dataSync()]).toEqual([1, 4, 9]);
  expect(outputs.largest!.dataSync()[0]).toBe(2);
  expect([...gradients.w!.dataSync()]).toEqual([2, 4, 6]);
  expect(gradients.idle!.shape).toEqual([1, 2]);
  expect([...gradients.idle!.dataSync()]).toEqual([0, 0]);
});

test('a loss that depends on no parameter has zero gradients', () => {
  const { loss, gradients } = valueAndGrads(() => ({ loss: tf.scalar(3) }), { w: tf.tensor1d([1]) });
  expect([loss.dataSync()[0], gradients.w!.dataSync()[0]]).toEqual([3, 0]);
});

test('outputs that are the parameters or the inputs themselves survive, and so do these', () => {
  const w = tf.tensor1d([1, 2]);
  const x = tf.tensor1d([3, 4]);
  const { outputs } = valueAndGrads((params) => ({ loss: tf.sum(tf.mul(params.w!, x)), w: params.w!, x }), {
    w,
  });
  tf.dispose(outputs);
  expect([...w.dataSync(), ...x.dataSync()]).toEqual([1, 2, 3, 4]);
});

test('no tensor is left behind, inside and outside of tidy', () => {
  const params = { w: tf.tensor2d([[1, 2]]), idle: tf.scalar(1) };
  const f = (p: Record<string, tf.Tensor>) => {
    const hidden = tf.relu(tf.matMul(p.w!, tf.transpose(p.w!)));
    return { loss: tf.mean(hidden) as tf.Tensor, hidden };
  };
  const before = tf.memory().numTensors;
  for (let i = 0; i < 3; i++) {
    const result = valueAndGrads(f, params);
    expect(tf.memory().numTensors).toBe(before + 4);
    tf.dispose(result as unknown as tf.TensorContainer);
    tf.tidy(() => {
      valueAndGrads(f, params);
    });
    expect(tf.memory().numTensors).toBe(before);
  }
});

test('agrees with central differences through a layer', () => {
  const x = tf.randomNormal([5, 3], 0, 1, 'float32', 1);
  const labels = tf.oneHot(tf.tensor1d([0, 1, 1, 0, 1], 'int32'), 2);
  const f = ({ w, b }: Record<string, tf.Tensor>) => ({
    loss: tf.losses.softmaxCrossEntropy(labels, tf.add(tf.matMul(x, w!), b!)) as tf.Tensor,
  });
  const params = {
    w: tf.randomNormal([3, 2], 0, 1, 'float32', 2) as tf.Tensor,
    b: tf.zeros([2]) as tf.Tensor,
  };
  const { gradients } = valueAndGrads(f, params);
  for (const name of ['w', 'b'] as const) {
    const direction = tf.randomNormal(params[name].shape, 0, 1, 'float32', 3);
    const at = (eps: number) =>
      f({ ...params, [name]: tf.add(params[name], tf.mul(direction, eps)) }).loss.dataSync()[0]!;
    const measured = (at(1e-2) - at(-1e-2)) / 2e-2;
    expect(tf.sum(tf.mul(gradients[name]!, direction)).dataSync()[0]).toBeCloseTo(measured, 3);
  }
});

test('what cannot be differentiated is an error', () => {
  const w = tf.tensor1d([1, 2]);
  expect(() => valueAndGrads(() => ({ loss: w }), { w })).toThrow(
    /float32 scalar; got float32 of shape \[2\]/,
  );
  expect(() => valueAndGrads(() => ({}) as { loss: tf.Tensor }, { w })).toThrow(/must return \{ loss/);
  expect(() => valueAndGrads(() => ({ loss: tf.scalar(1) }), { n: tf.scalar(1, 'int32') })).toThrow(
    /"n" is int32/,
  );
  expect(() => valueAndGrads(() => ({ loss: tf.scalar(1) }), {})).toThrow(/at least one/);
});
