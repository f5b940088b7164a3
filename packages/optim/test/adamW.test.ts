import type { NamedTensors } from '@beit/tensors';
import { loadSafetensors, withoutPrefix } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { adamW } from '../src/adamW';
import { layerDecay } from '../src/layerDecay';
import { toTensors } from '../src/toTensors';
import type { NamedTfTensors } from '../src/valueAndGrads';

beforeAll(() => tf.setBackend('cpu'));

/** Largest absolute difference relative to the largest magnitude. */
function relativeError(actual: tf.Tensor, expected: tf.Tensor): number {
  const scale = tf.max(tf.abs(expected)).dataSync()[0]!;
  return tf.max(tf.abs(tf.sub(actual, expected))).dataSync()[0]! / scale;
}

test('three steps of torch AdamW with clipping and layer-wise decay', async () => {
  const { tensors, metadata } = await loadSafetensors('fixtures/adamw.safetensors');
  const config = Object.fromEntries(Object.entries(metadata).map(([key, text]) => [key, JSON.parse(text)]));
  const optimizer = adamW({
    betas: config.betas,
    epsilon: config.eps,
    weightDecay: config.weightDecay,
    clipNorm: config.clipNorm,
    decays: (name, shape) => shape.length !== 1 && name !== 'pos_embed',
    learningRateScale: layerDecay({ rate: config.layerDecay, depth: config.depth }),
  });
  const initial = withoutPrefix(tensors, 'param0.');
  expect(Object.keys(initial)).toContain('blocks.1.mlp.fc1.bias');
  let params = toTensors(initial);
  const { m, v } = optimizer.init(initial);
  let moments = { m: toTensors(m), v: toTensors(v) };
  let clipped = 0;
  for (let step = 1; step <= config.steps; step++) {
    const gradients = toTensors(withoutPrefix(tensors, `grad${step}.`));
    const scalars = toTensors(optimizer.scalars(step - 1, config.lr));
    const result = optimizer.update(params, gradients, moments, scalars);
    ({ params, moments } = result);

    const norm = tensors[`norm${step}`]!.data[0]!;
    if (norm > config.clipNorm) clipped++;
    expect(Math.abs(result.gradNorm.dataSync()[0]! / norm - 1)).toBeLessThan(1e-6);
    const expectedParams = toTensors(withoutPrefix(tensors, `param${step}.`));
    expect(Object.keys(expectedParams).sort()).toEqual(Object.keys(params).sort());
    for (const [name, expected] of Object.entries(expectedParams)) {
      expect(relativeError(params[name]!, expected)).toBeLessThan(3e-7);
    }
  }
  expect(clipped).toBeGreaterThan(0);
});

describe('against the definition in float64', () => {
  /** torch's single-tensor AdamW, one element. */
  function reference(
    gradients: number[],
    lr: number[],
    beta1: number,
    beta2: number,
    eps: number,
    wd: number,
  ) {
    let [p, m, v] = [1, 0, 0];
    gradients.forEach((g, i) => {
      p *= 1 - lr[i]! * wd;
      m = beta1 * m + (1 - beta1) * g;
      v = beta2 * v + (1 - beta2) * g * g;
      const step = lr[i]! / (1 - beta1 ** (i + 1));
      p -= (step * m) / (Math.sqrt(v) / Math.sqrt(1 - beta2 ** (i + 1)) + eps);
    });
    return { p, m, v };
  }

  test.each([
    ['usual gradients', [0.3, -0.2, 0.5, 0.1], 1e-8],
    ['gradients of the size of epsilon', [3e-5, -2e-5, 5e-5, 1e-5], 1e-4],
    ['gradients that are zero', [0, 0, 0, 0], 1e-8],
  ])('%s, a rate that begins at 0', (_, gradients, epsilon) => {
    const optimizer = adamW({ betas: [0.8, 0.95], epsilon, weightDecay: 0.1, decays: () => true });
    const rates = [0, 0.1, 0.2, 0.1];
    let params: NamedTfTensors = { x: tf.tensor([[1]]) };
    let moments: { m: NamedTfTensors; v: NamedTfTensors } = {
      m: { x: tf.zeros([1, 1]) },
      v: { x: tf.zeros([1, 1]) },
    };
    gradients.forEach((gradient, step) => {
      const scalars = toTensors(optimizer.scalars(step, rates[step]!));
      ({ params, moments } = optimizer.update(params, { x: tf.tensor([[gradient]]) }, moments, scalars));
    });
    const { p, m, v } = reference(gradients, rates, 0.8, 0.95, epsilon, 0.1);
    expect(params.x!.dataSync()[0]).toBeCloseTo(p, 6);
    expect(moments.m.x!.dataSync()[0]! / (m || 1)).toBeCloseTo(m ? 1 : 0, 5);
    expect(moments.v.x!.dataSync()[0]! / (v || 1)).toBeCloseTo(v ? 1 : 0, 5);
  });
});

test('frozen and integer parameters have no moments and stay; an infinite norm moves nothing', () => {
  const optimizer = adamW({ trainable: (name) => name !== 'frozen', clipNorm: 1, weightDecay: 0 });
  const host: NamedTensors = {
    a: { dtype: 'float32', shape: [2, 1], data: Float32Array.of(1, 2) },
    frozen: { dtype: 'float32', shape: [1], data: Float32Array.of(5) },
    ids: { dtype: 'int32', shape: [1], data: Int32Array.of(7) },
  };
  const { m, v } = optimizer.init(host);
  expect([Object.keys(m), Object.keys(v)]).toEqual([['a'], ['a']]);
  const params: NamedTfTensors = {
    ...toTensors({ a: host.a!, frozen: host.frozen! }),
    ids: tf.tensor1d([7], 'int32'),
  };
  const scalars = { stepSize: tf.scalar(1), epsilon: tf.scalar(1e-8), weightDecay: tf.scalar(0) };
  const huge = { a: tf.tensor2d([3e38, 3e38], [2, 1]) };
  // As torch does it: coefficient 1 / (inf + 1e-6) = 0.
  const result = optimizer.update(params, huge, { m: toTensors(m), v: toTensors(v) }, scalars);
  expect(result.gradNorm.dataSync()[0]).toBe(Infinity);
  expect([...result.params.a!.dataSync()]).toEqual([1, 2]);
  expect(result.params.frozen).toBe(params.frozen);
  expect(result.params.ids).toBe(params.ids);
});

test('scalars: exact in float64, then float32; weight decay can follow a schedule', () => {
  const { stepSize, epsilon, weightDecay } = adamW({ weightDecay: 0.05 }).scalars(9, 1.5e-3, 0.1);
  const c2 = Math.sqrt(1 - 0.999 ** 10);
  expect(stepSize.data[0]).toBe(Math.fround((1.5e-3 * c2) / (1 - 0.9 ** 10)));
  expect(epsilon.data[0]).toBe(Math.fround(1e-8 * c2));
  expect(weightDecay.data[0]).toBe(Math.fround(1.5e-4));
});

test('impossible settings are errors that name the value', () => {
  expect(() => adamW({ betas: [0.9, 1] })).toThrow(/betas hold 1;/);
  expect(() => adamW({ epsilon: 0 })).toThrow(/epsilon is 0/);
  expect(() => adamW({ clipNorm: 0 })).toThrow(/clipNorm is 0/);
  expect(() => adamW().scalars(-1, 1)).toThrow(/Step is -1/);
  const scalars = { stepSize: tf.scalar(1), epsilon: tf.scalar(1), weightDecay: tf.scalar(0) };
  expect(() => adamW().update({ a: tf.scalar(1) }, { b: tf.scalar(1) }, { m: {}, v: {} }, scalars)).toThrow(
    /missing: a; too many: b/,
  );
});
