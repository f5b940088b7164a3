/** A model's whole life: trained as `model.fit` trains it, written back, saved, exported, and left alone meanwhile. */
import { compile, exportOnnx } from '@beit/compile';
import { adamW, toTensors, trainState, trainStep } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { compiledEngines } from '../../compile/test/compiledEngines';
import { f32, numbers, tensorOf } from '../../compile/test/hostTensors';
import { runOnnx } from '../../compile/test/runOnnx';
import { drawNoise, functional } from '../src';
import { fillWeights } from './modelDifference';

tf.enableProdMode();
beforeEach(() => tf.setBackend('cpu'));

const L = tf.layers;

/** A network as people write them. */
function cnn({ dropout = 0 } = {}): tf.Sequential {
  const model = tf.sequential({
    layers: [
      L.conv2d({
        inputShape: [8, 8, 1],
        filters: 4,
        kernelSize: 3,
        // What batch normalization takes away again has no gradient but noise, which Adam makes steps of.
        useBias: false,
        activation: 'relu',
        kernelRegularizer: 'l1l2',
      }),
      L.batchNormalization(),
      L.maxPooling2d({ poolSize: 2 }),
      L.dropout({ rate: dropout }),
      L.flatten(),
      L.dense({ units: 3, activation: 'softmax' }),
    ],
  });
  model.compile({
    optimizer: tf.train.adam(0.01, 0.9, 0.999, 1e-7),
    loss: 'categoricalCrossentropy',
    metrics: ['accuracy', 'mse'],
  });
  fillWeights(model);
  return model;
}

const images = numbers([8, 8, 8, 1], 1);
const labels = f32(
  Array.from({ length: 24 }, (_, i) => Number(i % 3 === Math.floor(i / 3) % 3)),
  [8, 3],
);
const asAdam = { weightDecay: 0, epsilon: 1e-7 };

const biggestDifference = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;

test('a compiled training is the one of model.fit: losses, metrics, weights', async () => {
  const model = cnn();
  const f = functional(model);
  const epochs = 4;
  // All samples are one batch, whose loss and metrics the history has as they were before each update.
  const { history } = await model.fit(tensorOf(images), tensorOf(labels), {
    epochs,
    batchSize: 8,
    verbose: 0,
  });
  const trained = functional(model).params;
  const optimizer = adamW({ ...asAdam, trainable: f.trainable });
  const step = trainStep(f.loss, optimizer);
  const inputs = {
    batch: { x: images, y: labels, noise: f.noise(images.shape) },
    scalars: optimizer.scalarSpecs,
  };
  for (const engine of ['tfjs', ...(await compiledEngines())] as const) {
    const options = engine === 'tfjs' ? { engine, backend: 'cpu' } : { engine, numThreads: 1 };
    const program = await compile(step, { state: trainState(f.params, optimizer), inputs }, options);
    for (let i = 0; i < epochs; i++) {
      const batch = { x: images, y: labels, noise: {} };
      const outputs: NamedTensors = await program.run({ batch, scalars: optimizer.scalars(i, 0.01) });
      expect(Object.keys(outputs).sort()).toEqual(['acc', 'gradNorm', 'loss', 'mse']);
      for (const name of ['loss', 'acc', 'mse']) {
        expect(outputs[name]!.data[0]).toBeCloseTo(history[name]![i] as number, 4);
      }
    }
    const { params } = await program.readState();
    for (const [name, { data }] of Object.entries(trained)) {
      const error = Math.max(...Array.from(data, (value, i) => Math.abs(value - params[name]!.data[i]!)));
      expect({ name, error: error < 2e-4 }).toEqual({ name, error: true });
    }
    await program.dispose();
  }
});

test('several outputs, each with its loss and target', async () => {
  const x = tf.input({ shape: [4] });
  const hidden = L.dense({ units: 3, activation: 'tanh' }).apply(x) as tf.SymbolicTensor;
  const outputs = ['one', 'two'].map(
    (name) => L.dense({ units: 2, name }).apply(hidden) as tf.SymbolicTensor,
  );
  const model = tf.model({ inputs: x, outputs });
  model.compile({
    optimizer: 'sgd',
    loss: { one: 'meanSquaredError', two: 'meanAbsoluteError' },
    metrics: ['mse'],
  });
  fillWeights(model);
  const f = functional(model);
  const given = tensorOf(numbers([5, 4], 1));
  const y = { one: tensorOf(numbers([5, 2], 2)), two: tensorOf(numbers([5, 2], 3)) };
  const found = f.loss(toTensors(f.params), { x: given, y, noise: {} });
  const expected = (await model.trainOnBatch(given, [y.one, y.two])) as number[];
  expect(Object.keys(found).sort()).toEqual([...model.metricsNames].sort());
  model.metricsNames.forEach((name, i) => {
    expect(found[name]!.dataSync()[0]).toBeCloseTo(expected[i]!, 5);
  });
});

test('nothing of the model is changed, and no tensor is left', async () => {
  const x = tf.input({ shape: [3, 4] });
  const layers = [
    L.gru({ units: 3, dropout: 0.3, returnSequences: true }),
    L.batchNormalization(),
    L.lstm({ units: 2, recurrentDropout: 0.2 }),
    L.dropout({ rate: 0.5 }),
  ];
  const model = tf.model({
    inputs: x,
    outputs: layers.reduce((value, layer) => layer.apply(value) as tf.SymbolicTensor, x),
  });
  fillWeights(model);
  const given = tensorOf(numbers([2, 3, 4], 1));
  const before = functional(model).params;
  const predicted = model.predict(given) as tf.Tensor;
  const keys = layers.map((layer) => Object.keys(layer));

  const f = functional(model);
  const noise = toTensors(drawNoise(f.noise([2, 3, 4]), createRandom(1)));
  const other = toTensors(f.params);
  const doubled = Object.fromEntries(Object.entries(other).map(([name, tensor]) => [name, tensor.mul(2)]));
  const tensors = tf.memory().numTensors;
  const { outputs, output, updates, penalty } = f.apply(doubled, given, { training: true, noise });
  expect(
    biggestDifference(
      updates['batch_normalization_BatchNormalization1/moving_mean'] ?? Object.values(updates)[0]!,
      tf.zeros([3]),
    ),
  ).toBeGreaterThan(0);
  tf.dispose([outputs, output, updates, penalty]);
  // Moving averages that were not written are the parameters themselves.
  const plain = f.apply(doubled, given);
  tf.dispose([plain.output, plain.penalty]);
  expect(tf.memory().numTensors).toBeLessThanOrEqual(tensors + 4);

  const loss = (params: Record<string, tf.Tensor>) => {
    const { output } = f.apply(params, given, { training: true, noise });
    return { state: params, outputs: { loss: tf.mean(output) as tf.Tensor } };
  };
  await compile(loss, { state: f.params, inputs: {} }).then((program) => program.dispose());
  await tf.setBackend('cpu');
  expect(() => f.apply(doubled, given, { training: true })).toThrow('needs random numbers');
  expect(functional(model).params).toEqual(before);
  expect(layers.map((layer) => Object.keys(layer))).toEqual(keys);
  expect(biggestDifference(model.predict(given) as tf.Tensor, predicted)).toBe(0);
});

test('parameters are written back: predict and save go on from them', async () => {
  const model = cnn();
  const f = functional(model);
  const changed: NamedTensors = Object.fromEntries(
    Object.entries(f.params).map(([name, tensor], i) => {
      const { data } = numbers(tensor.shape, 30 + i);
      return [name, { ...tensor, data: data.map((value) => Math.abs(value)) as Float32Array }];
    }),
  );
  const x = tensorOf(images);
  const expected = f.apply(toTensors(changed), x).output;
  await f.assign(changed);
  expect(biggestDifference(model.predict(x) as tf.Tensor, expected)).toBe(0);
  expect(functional(model).params).toEqual(changed);
  const saved: tf.io.ModelArtifacts[] = [];
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved.push(artifacts);
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  const loaded = await tf.loadLayersModel(tf.io.fromMemory(saved[0]!));
  expect(biggestDifference(loaded.predict(x) as tf.Tensor, expected)).toBe(0);

  const [name] = Object.keys(changed);
  await expect(f.assign({ ...changed, [name!]: numbers([2], 1) })).rejects.toThrow(
    `The parameter '${name}' is float32 [2]; the model's is float32 [3,3,1,4].`,
  );
  const { [name!]: _, ...rest } = changed;
  await expect(f.assign(rest)).rejects.toThrow(`The parameter '${name}' [3,3,1,4] is missing.`);
  expect(functional(model).params).toEqual(changed);
});

test('exported as ONNX, for batches of any size', async () => {
  const model = cnn({ dropout: 0.5 });
  const f = functional(model);
  const onnx = await exportOnnx((params, { x }) => ({ y: f.apply(params, x).output }), {
    params: f.params,
    inputs: { x: { dtype: 'float32', shape: ['batch', 8, 8, 1] } },
  });
  const [{ y } = {}] = runOnnx('onnxruntime-node', onnx, [{ x: images }]) as NamedTensors[];
  expect(biggestDifference(tensorOf(y!), model.predict(tensorOf(images)) as tf.Tensor)).toBeLessThan(1e-5);
});

describe('refused, with what to do', () => {
  test('stateful layers', () => {
    const model = tf.sequential({
      layers: [L.lstm({ batchInputShape: [2, 3, 4], units: 2, stateful: true, name: 'memory' })],
    });
    expect(() => functional(model)).toThrow("The layer 'memory' is stateful");
  });

  test('a model without layers, or without a loss', () => {
    expect(() => functional(tf.sequential({ name: 'empty' }))).toThrow(
      "The model 'empty' has no weights yet",
    );
    expect(() => functional({} as tf.LayersModel)).toThrow('functional(model) takes a tf.LayersModel');
    const model = tf.sequential({ name: 'plain', layers: [L.dense({ inputShape: [2], units: 1 })] });
    const f = functional(model);
    const batch = { x: tf.ones([1, 2]), y: tf.ones([1, 1]), noise: {} };
    expect(() => f.loss(toTensors(f.params), batch)).toThrow(
      "The model 'plain' has no loss: call model.compile(",
    );
  });

  test("parameters and inputs that are not the model's", () => {
    const f = functional(tf.sequential({ layers: [L.dense({ inputShape: [2], units: 1, name: 'only' })] }));
    const params = toTensors(f.params);
    const x = tf.ones([1, 2]);
    expect(() => f.apply({}, x)).toThrow("The parameter 'only/kernel' [2,1] is missing.");
    expect(() => f.apply({ ...params, 'only/bias': tf.ones([2]) }, x)).toThrow(
      "The parameter 'only/bias' has shape [2]; the model's has [1].",
    );
    expect(() => f.apply(params, [x, x])).toThrow('Got 2 inputs; the model has 1: only_input.');
    expect(() => f.apply(params, { image: x })).toThrow("There is no input 'only_input'; got image.");
    expect(f.apply({ ...params, another: x }, { only_input: x }).output.shape).toEqual([1, 1]);
  });

  test('a layer that writes something else in training', () => {
    class Counting extends L.Layer {
      static className = 'Counting';
      private count!: tf.LayerVariable;
      override build(): void {
        this.count = this.addWeight('count', [], 'float32', tf.initializers.zeros(), undefined, false);
        this.built = true;
      }
      override call(inputs: tf.Tensor | tf.Tensor[], kwargs: { training?: boolean }): tf.Tensor {
        if (kwargs.training) this.count.write(tf.add(this.count.read(), 1));
        return Array.isArray(inputs) ? inputs[0]! : inputs;
      }
    }
    const model = tf.sequential({
      layers: [L.dense({ inputShape: [2], units: 1 }), new Counting({ name: 'counting' })],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const f = functional(model);
    const batch = { x: tf.ones([1, 2]), y: tf.ones([1, 1]), noise: {} };
    expect(() => f.loss(toTensors(f.params), batch)).toThrow("A layer writes 'counting/count' in training");
    const params = { ...toTensors(f.params), 'counting/count': tf.scalar(4) };
    const { updates } = f.apply(params, batch.x, { training: true });
    expect(updates['counting/count']!.dataSync()[0]).toBe(5);
    expect(f.trainable('counting/count')).toBe(false);
  });
});
