import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { adamW } from '../src/adamW';
import { clipByGlobalNorm, globalNorm } from '../src/clipping';
import { updateEma } from '../src/ema';
import {
  type GradientState,
  gradientStep,
  partialUpdateStep,
  type TrainState,
  trainState,
  trainStep,
  updateStep,
  withEma,
  zeroGradients,
} from '../src/steps';
import { toTensors } from '../src/toTensors';
import type { NamedTfTensors } from '../src/valueAndGrads';

beforeAll(() => tf.setBackend('cpu'));

const params: NamedTensors = {
  'layer.weight': { dtype: 'float32', shape: [1, 2], data: Float32Array.of(0.5, -0.5) },
  'layer.bias': { dtype: 'float32', shape: [1], data: Float32Array.of(0.1) },
  'frozen.weight': { dtype: 'float32', shape: [1, 1], data: Float32Array.of(2) },
};
const optimizer = adamW({ weightDecay: 0.1, clipNorm: 0.5, trainable: (name) => !name.startsWith('frozen') });

/** Regression on rows `x [batch, 2]`, `y [batch, 1]`. */
const loss = (p: NamedTfTensors, { x, y }: { x: tf.Tensor; y: tf.Tensor }) => {
  const linear = tf.add(
    tf.matMul(x as tf.Tensor2D, p['layer.weight'] as tf.Tensor2D, false, true),
    p['layer.bias']!,
  );
  const error = tf.sub(tf.mul(linear, p['frozen.weight']!), y);
  return { loss: tf.mean(tf.square(error)) as tf.Tensor, absoluteError: tf.mean(tf.abs(error)) as tf.Tensor };
};

const read = (tensor: tf.Tensor | undefined) => [...tensor!.dataSync()];

/** Rows `from` to `to` of a fixed data set. */
function rows(from: number, to: number) {
  const index = Array.from({ length: to - from }, (_, i) => from + i);
  return {
    x: tf.tensor2d(index.map((i) => [Math.sin(i), Math.cos(3 * i)])),
    y: tf.tensor2d(index.map((i) => [Math.sin(i) - 2 * Math.cos(3 * i)])),
  };
}
const scalarsOf = (step: number) => toTensors(optimizer.scalars(step, 0.05));

test('trainStep learns, reports, leaves frozen parameters, and leaves no tensor behind', () => {
  const step = trainStep(loss, optimizer);
  let state = toTensors(trainState(params, optimizer));
  const batch = rows(0, 8);
  const losses: number[] = [];
  let tensors = 0;
  for (let i = 0; i < 40; i++) {
    const scalars = scalarsOf(i);
    const { state: next, outputs } = step(state, { batch, scalars });
    losses.push(outputs.loss.dataSync()[0]!);
    expect(outputs.gradNorm.dataSync()[0]).toBeGreaterThan(0);
    expect(outputs.absoluteError!.rank).toBe(0);
    expect(next.params['frozen.weight']).toBe(state.params['frozen.weight']);
    const keep = new Set(Object.values(next.params));
    for (const old of Object.values({ ...state.params })) if (!keep.has(old)) old.dispose();
    tf.dispose([state.m, state.v, scalars, outputs] as tf.TensorContainer);
    state = next;
    if (i === 0) tensors = tf.memory().numTensors;
    expect(tf.memory().numTensors).toBe(tensors);
  }
  expect(losses.at(-1)).toBeLessThan(losses[0]! / 20);
});

test('two halves with micro-batches make the step of the whole batch', () => {
  const whole = trainStep(loss, optimizer)(toTensors(trainState(params, optimizer)), {
    batch: rows(0, 8),
    scalars: scalarsOf(0),
  });

  type State = TrainState & GradientState;
  const first = gradientStep<ReturnType<typeof rows>, ReturnType<typeof loss>, State>(loss, optimizer);
  let state = toTensors({ ...trainState(params, optimizer), gradients: zeroGradients(params, optimizer) });
  expect(Object.keys(state.gradients)).toEqual(['layer.weight', 'layer.bias']);
  // What is left of another step, even where it diverged.
  state.gradients['layer.bias'] = tf.fill([...params['layer.bias']!.shape], Number.NaN);
  // Unequal parts, weighted by their size.
  for (const [from, to] of [
    [0, 2],
    [2, 8],
  ] as const) {
    const [weight, isFirst] = [tf.scalar(to - from), tf.scalar(from === 0 ? 1 : 0)];
    state = first(state, { batch: rows(from, to), weight, isFirst }).state;
  }
  const second = updateStep(optimizer)(state, { scale: tf.scalar(1 / 8), scalars: scalarsOf(0) });

  expect(second.outputs.gradNorm.dataSync()[0]).toBeCloseTo(whole.outputs.gradNorm.dataSync()[0]!, 5);
  for (const name of Object.keys(params)) {
    read(whole.state.params[name]).forEach((value, i) => {
      expect(read(second.state.params[name])[i]).toBeCloseTo(value, 6);
    });
  }
});

test('withEma averages the new parameters', () => {
  const step = withEma(trainStep(loss, optimizer), 0.9);
  const host = { ...trainState(params, optimizer), ema: params };
  const { state } = step(toTensors(host), { batch: rows(0, 8), scalars: scalarsOf(0) });
  read(state.ema!['layer.weight']).forEach((value, i) => {
    const [old, now] = [params['layer.weight']!.data[i]!, read(state.params['layer.weight'])[i]!];
    expect(now).not.toBe(old);
    expect(value).toBeCloseTo(0.9 * old + 0.1 * now, 6);
  });
  expect(() =>
    step(toTensors(trainState(params, optimizer)), { batch: rows(0, 8), scalars: scalarsOf(0) }),
  ).toThrow(/no `ema`/);
  expect(() => updateEma({}, { a: tf.scalar(1) }, 0.9)).toThrow(/no "a"/);
  expect(() => updateEma({}, {}, 2)).toThrow(/EMA decay is 2/);
});

test('clipping by global norm, as torch does it', () => {
  const gradients = { a: tf.tensor1d([3, 0]), b: tf.tensor2d([[4]]) };
  expect(globalNorm(gradients).dataSync()[0]).toBe(5);
  const { gradients: clipped, norm } = clipByGlobalNorm(gradients, 1);
  expect(norm.dataSync()[0]).toBe(5);
  expect(read(clipped.a)[0]).toBeCloseTo(3 / (5 + 1e-6), 7);
  expect(read(clipped.b)[0]).toBeCloseTo(4 / (5 + 1e-6), 7);
  expect(read(clipByGlobalNorm(gradients, 6).gradients.a)).toEqual([3, 0]);
});

test('parts that are updated alone, clipped by the norm of all, make the update of the whole', () => {
  const state = toTensors({ ...trainState(params, optimizer), gradients: zeroGradients(params, optimizer) });
  const { gradients: summed } = gradientStep(loss, optimizer)(state, {
    batch: rows(0, 8),
    weight: tf.scalar(1),
    isFirst: tf.scalar(1),
  }).state;
  const scalars = scalarsOf(0);
  const { state: whole, outputs } = updateStep(optimizer)(
    { ...state, gradients: summed },
    { scale: tf.scalar(1), scalars },
  );
  // Larger than the norm to which it is clipped.
  expect(read(outputs.gradNorm)[0]).toBeGreaterThan(0.5);
  for (const own of ['layer.weight', 'layer.bias']) {
    const part = { [own]: params[own]!, 'frozen.weight': params['frozen.weight']! };
    const { state } = partialUpdateStep(optimizer)(toTensors(trainState(part, optimizer)), {
      gradients: { [own]: summed[own]! },
      scalars,
      gradNorm: outputs.gradNorm,
    });
    expect(Object.keys(state.m)).toEqual([own]);
    for (const group of ['params', 'm', 'v'] as const)
      expect(read(state[group][own])).toEqual(read(whole[group][own]));
  }
});

describe('running statistics', () => {
  const name = 'norm.running_mean';
  const withStatistic: NamedTensors = {
    ...params,
    [name]: { dtype: 'float32', shape: [2], data: Float32Array.of(1, 2) },
  };
  /** Moves halfway to the mean of the batch. */
  const movingLoss = (p: NamedTfTensors, batch: { x: tf.Tensor; y: tf.Tensor }) => ({
    ...loss(p, batch),
    [name]: tf.mul(tf.add(p[name]!, tf.mean(batch.x, 0)), 0.5),
  });

  test('move as the loss says, and no optimizer touches or reports them', () => {
    const state = trainState(withStatistic, optimizer);
    expect(Object.keys(state.m)).not.toContain(name);
    const batch = rows(0, 8);
    const { state: next, outputs } = trainStep(movingLoss, optimizer)(toTensors(state), {
      batch,
      scalars: scalarsOf(0),
    });
    const [a, b] = read(tf.mean(batch.x, 0));
    expect(read(next.params[name])[0]).toBeCloseTo((1 + a!) / 2, 6);
    expect(read(next.params[name])[1]).toBeCloseTo((2 + b!) / 2, 6);
    expect(Object.keys(outputs).sort()).toEqual(['absoluteError', 'gradNorm', 'loss']);
  });

  test('make one move a step with micro-batches: the mean of theirs', () => {
    type State = TrainState & GradientState;
    const first = gradientStep<ReturnType<typeof rows>, ReturnType<typeof movingLoss>, State>(
      movingLoss,
      optimizer,
    );
    let summed = toTensors({
      ...trainState(withStatistic, optimizer),
      gradients: zeroGradients(withStatistic, optimizer),
    });
    for (const from of [0, 4]) {
      const isFirst = tf.scalar(from === 0 ? 1 : 0);
      summed = first(summed, { batch: rows(from, from + 4), weight: tf.scalar(4), isFirst }).state;
    }
    const { state } = updateStep(optimizer)(summed, { scale: tf.scalar(1 / 8), scalars: scalarsOf(0) });
    // The mean over equal parts is the mean over all.
    const [a] = read(tf.mean(rows(0, 8).x, 0));
    expect(read(state.params[name])[0]).toBeCloseTo((1 + a!) / 2, 6);
  });

  test('that the loss forgets are an error that names them', () => {
    const state = toTensors(trainState(withStatistic, optimizer));
    const step = trainStep(loss, optimizer);
    expect(() => step(state, { batch: rows(0, 8), scalars: scalarsOf(0) })).toThrow(name);
  });
});
