import { compile } from '@beit/compile';
import { adamW, cosineSchedule, toTensors, trainState, trainStep, valueAndGrads } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { createVit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import { createLinearProbe, LINEAR_PROBE_ADAMW, probeFeatures } from '../src';

tf.enableProdMode();
tf.setBackend('cpu');

type Tensors = Record<string, tf.Tensor>;
const int32 = (data: ArrayLike<number>): HostTensor => ({
  dtype: 'int32',
  shape: [data.length],
  data: Int32Array.from(data),
});
const host = (t: tf.Tensor): HostTensor => ({
  dtype: 'float32',
  shape: t.shape,
  data: t.dataSync() as Float32Array,
});
const normals = (seed: number, shape: number[], std = 1) => tf.randomNormal(shape, 0, std, 'float32', seed);

/** Trains on the same features in every step; all parameters afterwards. */
function train(
  layers: number,
  initial: NamedTensors,
  features: tf.Tensor,
  labels: HostTensor,
  steps: number,
) {
  const probe = createLinearProbe({ layers, featureDim: features.shape[2]!, numClasses: 4 });
  const optimizer = adamW(LINEAR_PROBE_ADAMW);
  const rate = cosineSchedule({ peak: 0.1, final: 0, totalSteps: steps });
  const step = trainStep(
    (params, batch: { features: tf.Tensor; labels: tf.Tensor }) =>
      probe.loss(params, batch.features, batch.labels),
    optimizer,
  );
  const batch = { features, labels: toTensors(labels) };
  let state = toTensors(trainState(initial, optimizer));
  for (let i = 0; i < steps; i++) {
    state = step(state, { batch, scalars: toTensors(optimizer.scalars(i, rate(i))) }).state as typeof state;
  }
  return { probe, params: state.params as Tensors };
}

/** Four clusters in layers 1 and 2, noise in layer 0. */
function clusters(seed: number, labels: HostTensor): tf.Tensor {
  const centers = tf.stack([tf.zeros([4, 6]), normals(1, [4, 6], 2), normals(2, [4, 6], 2)], 1);
  return tf.add(
    tf.gather(centers, toTensors(labels) as tf.Tensor1D),
    normals(seed, [labels.shape[0]!, 3, 6], 0.5),
  );
}

describe('the linear probe', () => {
  const labels = int32(Array.from({ length: 200 }, (_, i) => i % 4));
  const features = clusters(3, labels);
  const initial = createLinearProbe({ layers: 3, featureDim: 6, numClasses: 4 }).init(createRandom(4));

  test('begins as the reference: names, normal weights of 0.01, no bias, undecided', () => {
    const probe = createLinearProbe({ layers: 2, featureDim: 300, numClasses: 50 });
    const params = probe.init(createRandom(5));
    expect(Object.entries(params).map(([name, { shape }]) => [name, shape])).toEqual([
      ['linear.0.weight', [50, 300]],
      ['linear.0.bias', [50]],
      ['linear.1.weight', [50, 300]],
      ['linear.1.bias', [50]],
    ]);
    const weights = Array.from(params['linear.1.weight']!.data);
    expect(Math.sqrt(weights.reduce((sum, w) => sum + w * w, 0) / weights.length)).toBeCloseTo(0.01, 3);
    expect(Math.max(...weights)).toBeGreaterThan(0.03); // not cut off at two deviations
    expect(Math.max(...params['linear.1.bias']!.data)).toBe(0);
    const { loss, losses } = probe.loss(toTensors(params), normals(6, [8, 2, 300]), tf.zeros([8], 'int32'));
    expect(losses.dataSync()[0]).toBeCloseTo(Math.log(50), 0);
    expect(loss.dataSync()[0]).toBeCloseTo(losses.dataSync()[0]! + losses.dataSync()[1]!, 5);
  });

  test('has the gradient that central differences measure', () => {
    const probe = createLinearProbe({ layers: 3, featureDim: 6, numClasses: 4 });
    const params = toTensors(initial) as Tensors;
    const loss = (p: Tensors) => probe.loss(p, features, toTensors(labels));
    const { gradients } = valueAndGrads(loss, params);
    for (const [i, name] of Object.keys(params).entries()) {
      const direction = normals(10 + i, params[name]!.shape);
      const at = (eps: number) =>
        loss({ ...params, [name]: tf.add(params[name]!, tf.mul(direction, eps)) }).loss.dataSync()[0]!;
      const measured = (at(0.02) - at(-0.02)) / 0.04;
      const computed = tf.sum(tf.mul(gradients[name]!, direction)).dataSync()[0]!;
      expect(Math.abs(computed - measured)).toBeLessThan(5e-3 * Math.max(1, Math.abs(measured)));
    }
  });

  test('learns every layer that tells the classes apart, and stays at chance on noise', () => {
    const { probe, params } = train(3, initial, features, labels, 20);
    const { accuracies, losses } = probe.loss(params, clusters(7, labels), toTensors(labels));
    const [noise, first, second] = accuracies.dataSync();
    expect(first).toBeGreaterThan(0.95);
    expect(second).toBeGreaterThan(0.95);
    expect(Math.abs(noise! - 0.25)).toBeLessThan(0.1);
    expect(Math.abs(losses.dataSync()[0]! - Math.log(4))).toBeLessThan(0.15);
    const ownLogits = probe.logits(params, clusters(7, labels));
    expect(ownLogits.map(({ shape }) => shape)).toEqual([
      [200, 4],
      [200, 4],
      [200, 4],
    ]);
  });

  test('learns each layer as it would alone', () => {
    const together = train(3, initial, features, labels, 8).params;
    for (let layer = 0; layer < 3; layer++) {
      const own = {
        'linear.0.weight': initial[`linear.${layer}.weight`]!,
        'linear.0.bias': initial[`linear.${layer}.bias`]!,
      };
      const alone = train(1, own, tf.slice(features, [0, layer, 0], [200, 1, 6]), labels, 8).params;
      for (const kind of ['weight', 'bias']) {
        const apart = tf.max(
          tf.abs(tf.sub(together[`linear.${layer}.${kind}`]!, alone[`linear.0.${kind}`]!)),
        );
        expect(apart.dataSync()[0]).toBeLessThan(1e-6);
      }
    }
  });

  test('decays by 1e-4 of the learning rate, biases too, as a single group of torch does', () => {
    const optimizer = adamW(LINEAR_PROBE_ADAMW);
    const params = { 'linear.0.bias': tf.tensor1d([1]), 'blocks.0.norm1.bias': tf.tensor1d([1]) };
    const none = { 'linear.0.bias': tf.zeros([1]) };
    const scalars = toTensors(optimizer.scalars(0, 100));
    const next = optimizer.update(params, none, { m: none, v: none }, scalars).params;
    expect(next['linear.0.bias']!.dataSync()[0]).toBeCloseTo(1 - 100 * 1e-4, 6);
    expect(next['blocks.0.norm1.bias']!.dataSync()[0]).toBe(1);
  });

  test('of sizes that make no sense, and of features that do not fit, is refused', () => {
    const sizes = { layers: 3, featureDim: 6, numClasses: 4 };
    expect(() => createLinearProbe({ ...sizes, layers: 0 })).toThrow('layers is 0');
    expect(() => createLinearProbe({ ...sizes, numClasses: 1 })).toThrow(
      'numClasses is 1; expected an integer of at least 2',
    );
    const probe = createLinearProbe(sizes);
    const params = toTensors(initial) as Tensors;
    expect(() => probe.logits(params, tf.zeros([5, 2, 6]))).toThrow(
      'The features: got [5, 2, 6]; expected [any, 3, 6].',
    );
    expect(() => probe.loss(params, features, tf.zeros([3], 'int32'))).toThrow('The labels');
  });
});

describe('what the probe sees', () => {
  const backbone = createVit({ imageSize: 16, patchSize: 4, embedDim: 16, depth: 3, numHeads: 2 });
  const weights = backbone.init(createRandom(8));
  const images = normals(9, [4, 16, 16, 3]);
  const seen = probeFeatures(backbone);

  test('is cls and the mean of the patches behind every block', () => {
    const params = toTensors(weights) as Tensors;
    const { hidden } = backbone.encode(params, backbone.embedPatches(params, images));
    const found = seen(params, images);
    expect(found.shape).toEqual([4, 3, 32]);
    for (let layer = 0; layer < 3; layer++) {
      const tokens = hidden[layer + 1]!.arraySync() as number[][][];
      const row = (found.arraySync() as number[][][])[2]![layer]!;
      expect(row.slice(0, 16)).toEqual(tokens[2]![0]!);
      const patches = tokens[2]!.slice(1);
      row.slice(16).forEach((mean, j) => {
        expect(mean).toBeCloseTo(patches.reduce((sum, patch) => sum + patch[j]!, 0) / 16, 5);
      });
    }
  });

  test('leaves no tensor behind', () => {
    const params = toTensors(weights) as Tensors;
    const before = tf.memory().numTensors;
    seen(params, images).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  test('can be computed once or in every step, which is the same compiled; the backbone stays as it is', async () => {
    const probe = createLinearProbe({ layers: 3, featureDim: 32, numClasses: 4 });
    const optimizer = adamW(LINEAR_PROBE_ADAMW);
    const heads = probe.init(createRandom(11));
    const labels = int32([0, 1, 2, 3]);
    const scalars = (step: number) => optimizer.scalars(step, 0.02);

    const frozen = host(seen(toTensors(weights) as Tensors, images));
    const ofFeatures = await compile(
      trainStep(
        (params, batch: { features: tf.Tensor; labels: tf.Tensor }) =>
          probe.loss(params, batch.features, batch.labels),
        optimizer,
      ),
      {
        state: trainState(heads, optimizer),
        inputs: { batch: { features: frozen, labels }, scalars: scalars(0) },
      },
      { engine: 'onnxruntime' },
    );
    const ofImages = await compile(
      trainStep(
        (params, batch: { images: tf.Tensor; labels: tf.Tensor }) =>
          probe.loss(params, seen(params, batch.images), batch.labels),
        optimizer,
      ),
      {
        state: trainState({ ...weights, ...heads }, optimizer),
        inputs: { batch: { images: host(images), labels }, scalars: scalars(0) },
      },
      { engine: 'onnxruntime' },
    );
    let outputs: Record<string, HostTensor>[] = [];
    for (let step = 0; step < 30; step++) {
      outputs = await Promise.all([
        ofFeatures.run({ batch: { features: frozen, labels }, scalars: scalars(step) }),
        ofImages.run({ batch: { images: host(images), labels }, scalars: scalars(step) }),
      ]);
    }
    const [once, anew] = outputs;
    expect(Math.abs(once!.loss!.data[0]! - anew!.loss!.data[0]!)).toBeLessThan(1e-4);
    expect([...once!.accuracies!.data]).toEqual([1, 1, 1]);
    const { params, m } = (await ofImages.readState()) as unknown as {
      params: NamedTensors;
      m: NamedTensors;
    };
    expect(Object.keys(m).sort()).toEqual(Object.keys(heads).sort());
    for (const [name, { data }] of Object.entries(weights)) expect(params[name]!.data).toEqual(data);
    await ofFeatures.dispose();
    await ofImages.dispose();
  });
});
