import { compile } from '@beit/compile';
import type { TensorParams } from '@beit/nn';
import { adamW, type TrainState, toTensors, trainState, trainStep, valueAndGrads } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';

import { createDvae } from '../src/createDvae';
import { type DvaeBatch, dvaeLoss } from '../src/dvaeLoss';
import { psnr } from '../src/index';
import { uniformNoise } from '../src/uniformNoise';

beforeAll(() => tf.setBackend('cpu'));

const dvae = createDvae({ vocabSize: 8, hiddenDim: 8, decoderInitDim: 4, numGroups: 2, blocksPerGroup: 1 });
const optimizer = adamW({ weightDecay: 0, clipNorm: 10, decays: () => true });

const scalar = (value: number): HostTensor => ({
  dtype: 'float32',
  shape: [],
  data: Float32Array.of(value),
});

/** Two pictures of soft stripes, and everything else that a step takes. */
function hostBatch(step: number, { temperature = 0.7, klWeight = 1, usageWeight = 0.05 } = {}) {
  const pixel = (image: number, y: number, x: number, c: number) =>
    0.5 + 0.4 * Math.sin((image === 0 ? x : y) * 0.9 + c);
  const data = new Float32Array(2 * 8 * 8 * 3);
  for (let i = 0; i < data.length; i++) {
    data[i] = pixel(Math.floor(i / 192), Math.floor(i / 24) % 8, Math.floor(i / 3) % 8, i % 3);
  }
  return {
    images: { dtype: 'float32', shape: [2, 8, 8, 3], data } as HostTensor,
    uniform: uniformNoise([2, 4, 4, 8], 3, step),
    temperature: scalar(temperature),
    klWeight: scalar(klWeight),
    usageWeight: scalar(usageWeight),
  };
}
const batch = (step: number, options?: Parameters<typeof hostBatch>[1]) =>
  toTensors(hostBatch(step, options)) as DvaeBatch;
const numberOf = (tensor: tf.Tensor) => tensor.dataSync()[0]!;
const loss = (params: TensorParams, inputs: DvaeBatch) => dvaeLoss(dvae, params, inputs);

const initial = (seed: number) => toTensors(dvae.init(createRandom(seed))) as Record<string, tf.Tensor>;

test('is NLL + β KL / 12, less the usage term', () => {
  const params = initial(4);
  const { nll, kl, perplexity } = loss(params, batch(0));
  const withWeights = (klWeight: number, usageWeight: number) =>
    numberOf(loss(params, batch(0, { klWeight, usageWeight })).loss);
  expect(withWeights(0, 0)).toBeCloseTo(numberOf(nll), 5);
  expect(withWeights(3, 0)).toBeCloseTo(numberOf(nll) + (3 * numberOf(kl)) / 12, 5);
  const entropy = withWeights(1, 0) - withWeights(1, 1);
  expect(entropy).toBeGreaterThan(0.1);
  expect(entropy).toBeLessThan(Math.log(8) + 1e-5);
  expect(withWeights(1, 0) - withWeights(1, 0.5)).toBeCloseTo(entropy / 2, 4);
  expect(numberOf(perplexity)).toBeGreaterThan(0.999);
  expect(numberOf(perplexity)).toBeLessThan(8.001);
});

test('its gradient is the slope of the loss along the gradient of every parameter', () => {
  // Weights that differ from the first ones: there, biases are 0 and the tokens hardly matter.
  const random = createRandom('weights');
  const params = Object.fromEntries(
    Object.entries(dvae.init(createRandom(6))).map(([name, { shape, data }]) => [
      name,
      tf.tensor(
        Float32Array.from(data, (x) => 1.5 * x + random.normal(0, 0.1)),
        [...shape],
      ),
    ]),
  );
  const inputs = batch(1, { klWeight: 2, usageWeight: 0.5 });
  const value = (p: TensorParams) => numberOf(loss(p, inputs).loss);
  const { gradients } = valueAndGrads((p) => loss(p, inputs), params);
  expect(Object.keys(gradients).sort()).toEqual(Object.keys(params).sort());
  for (const [name, gradient] of Object.entries(gradients)) {
    const norm = numberOf(tf.norm(gradient));
    const step = 4e-3;
    const moved = (distance: number) => ({
      ...params,
      [name]: tf.add(params[name]!, tf.mul(gradient, distance / norm)),
    });
    const slope = (value(moved(step)) - value(moved(-step))) / (2 * step);
    // A step may cross the kink of a ReLU: up to 6 % were seen.
    expect([name, Math.abs(slope - norm) < 0.08 * norm + 3e-4]).toEqual([name, true]);
  }
});

test('three training steps, compiled and eager, agree', async () => {
  const step = trainStep((params, inputs: DvaeBatch) => loss(params, inputs), optimizer);
  const state = trainState(dvae.init(createRandom(1)), optimizer);
  const inputsOf = (index: number) => ({
    batch: hostBatch(index),
    scalars: optimizer.scalars(index, 3e-3),
  });
  const program = await compile(step, { state, inputs: inputsOf(0) }, { engine: 'onnxruntime' });
  let eager = toTensors(state) as TrainState;
  for (let index = 0; index < 3; index++) {
    const compiled = (await program.run(inputsOf(index))) as Record<string, HostTensor>;
    const result = step(eager, toTensors(inputsOf(index)));
    eager = result.state;
    for (const name of ['loss', 'nll', 'kl', 'gradNorm', 'perplexity'] as const) {
      const expected = numberOf(result.outputs[name]);
      expect(Math.abs(compiled[name]!.data[0]! - expected)).toBeLessThan(
        1e-4 * Math.max(1, Math.abs(expected)),
      );
    }
  }
  const { params } = (await program.readState()) as { params: Record<string, HostTensor> };
  for (const [name, tensor] of Object.entries(eager.params)) {
    const own = tensor.dataSync();
    const difference = Math.max(...Array.from(params[name]!.data, (x, i) => Math.abs(x - own[i]!)));
    expect([name, difference < 2e-4]).toEqual([name, true]);
  }
  await program.dispose();
});

test('training on two images brings their reconstructions closer', async () => {
  const step = trainStep((params, inputs: DvaeBatch) => loss(params, inputs), optimizer);
  const state = trainState(dvae.init(createRandom(2)), optimizer);
  const inputsOf = (index: number) => ({
    batch: hostBatch(index, { temperature: 0.5, klWeight: 0 }),
    scalars: optimizer.scalars(index, 1e-2),
  });
  const program = await compile(step, { state, inputs: inputsOf(0) }, { engine: 'onnxruntime' });
  const quality = async () => {
    const { params } = (await program.readState()) as { params: Record<string, HostTensor> };
    const tensors = toTensors(params) as TensorParams;
    const { images } = batch(0);
    const decoded = dvae.decodeTokens(tensors, dvae.tokenize(tensors, images), [4, 4]);
    return psnr(decoded.dataSync() as Float32Array, images.dataSync() as Float32Array);
  };
  const before = await quality();
  for (let index = 0; index < 200; index++) await program.run(inputsOf(index));
  const after = await quality();
  expect(after).toBeGreaterThan(before + 3);
  await program.dispose();
});
