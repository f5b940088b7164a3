/** Models of every kind of layer: predicted and differentiated on every engine, as TensorFlow.js itself does. */
import { compile } from '@beit/compile';
import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { compiledEngines } from '../../compile/test/compiledEngines';
import { numbers, tensorOf } from '../../compile/test/hostTensors';
import { functional } from '../src';
import { expectSame, fillWeights, indices } from './modelDifference';

tf.enableProdMode();
// Keras's flag `unroll` is ignored with a warning.
jest.spyOn(console, 'warn').mockImplementation(() => {});

const L = tf.layers;
type Layers = readonly tf.layers.Layer[];
interface Case {
  readonly model: () => tf.LayersModel;
  readonly inputs: readonly HostTensor[];
  /** Where TensorFlow.js has no gradient, or a wrong one. */
  readonly predictOnly?: boolean;
}
const predictOnly = (model: Case): Case => ({ ...model, predictOnly: true });

/** Layers one after the other on an input of a shape (without the batch, which is 3). */
const chain = (shape: readonly number[], layers: () => Layers, input?: HostTensor): Case => ({
  model: () => {
    const x = tf.input({ shape: [...shape], dtype: input?.dtype as 'int32' | undefined });
    const y = layers().reduce((value, layer) => layer.apply(value) as tf.SymbolicTensor, x);
    return tf.model({ inputs: x, outputs: y });
  },
  inputs: [input ?? numbers([3, ...shape], 1)],
});
const image = [7, 8, 3] as const;
const sequence = [3, 4] as const;
const images = (...layers: (() => tf.layers.Layer)[]) =>
  chain(image, () => [...layers.map((make) => make()), L.globalAveragePooling2d({}), L.dense({ units: 2 })]);
const sequences = (make: () => tf.layers.Layer) => chain(sequence, () => [L.dense({ units: 4 }), make()]);
const merge = (make: () => tf.layers.Layer, ...shapes: readonly (readonly number[])[]): Case => ({
  model: () => {
    const inputs = shapes.map((shape) => tf.input({ shape: [...shape] }));
    const hidden = inputs.map((x, i) => L.dense({ units: shapes[i]!.at(-1)! }).apply(x) as tf.SymbolicTensor);
    return tf.model({ inputs, outputs: make().apply(hidden) as tf.SymbolicTensor });
  },
  inputs: shapes.map((shape, i) => numbers([3, ...shape], i + 1)),
});

/** A layer of a user's own: a learnt scale for each feature, and the square root of what that gives. */
class ScaledRoot extends L.Layer {
  static className = 'ScaledRoot';
  private scale!: tf.LayerVariable;
  override build(shape: tf.Shape): void {
    this.scale = this.addWeight('scale', [shape.at(-1)!], 'float32', tf.initializers.ones());
    this.built = true;
  }
  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0]! : inputs;
    return tf.tidy(() => tf.sqrt(tf.add(tf.square(tf.mul(x, this.scale.read())), 1)));
  }
}

const ACTIVATIONS = [
  ...[
    'elu',
    'gelu',
    'gelu_new',
    'hardSigmoid',
    'linear',
    'mish',
    'relu',
    'relu6',
    'selu',
    'sigmoid',
    'softmax',
  ],
  ...['softplus', 'softsign', 'swish', 'tanh'],
] as const;

const CASES: Readonly<Record<string, Case>> = {
  'dense, of every activation': {
    model: () => {
      const x = tf.input({ shape: [6] });
      const outputs = ACTIVATIONS.map(
        (activation) => L.dense({ units: 4, activation: activation as 'relu' }).apply(x) as tf.SymbolicTensor,
      );
      return tf.model({ inputs: x, outputs });
    },
    inputs: [numbers([3, 6], 1)],
  },
  'dense of matrices': chain([4, 3], () => [L.dense({ units: 5, useBias: false }), L.dense({ units: 2 })]),
  'activation layers': chain([6], () => [
    L.dense({ units: 5 }),
    L.activation({ activation: 'tanh' }),
    L.reLU({ maxValue: 0.4 }),
    L.dense({ units: 5 }),
    L.leakyReLU({ alpha: 0.2 }),
    L.elu(),
    L.softmax(),
  ]),
  thresholdedReLU: predictOnly(chain([6], () => [L.dense({ units: 5 }), L.thresholdedReLU({ theta: 0.05 })])),
  prelu: chain([4, 4, 2], () => [
    L.dense({ units: 3 }),
    L.prelu({ alphaInitializer: 'ones', sharedAxes: [1, 2] }),
  ]),
  'prelu, an alpha for each': chain([5], () => [
    L.dense({ units: 3 }),
    L.prelu({ alphaInitializer: 'ones' }),
  ]),

  conv1d: chain([9, 3], () => [
    L.conv1d({ filters: 4, kernelSize: 3, activation: 'relu' }),
    L.conv1d({ filters: 2, kernelSize: 2, strides: 2, padding: 'same' }),
  ]),
  'conv1d, dilated': predictOnly(
    chain([9, 3], () => [L.conv1d({ filters: 4, kernelSize: 3, dilationRate: 2 })]),
  ),
  conv2d: images(
    () => L.conv2d({ filters: 4, kernelSize: 3, activation: 'relu' }),
    () => L.conv2d({ filters: 5, kernelSize: [2, 3], strides: 2, padding: 'same', activation: 'tanh' }),
  ),
  'conv2d, dilated': predictOnly(images(() => L.conv2d({ filters: 4, kernelSize: 2, dilationRate: 2 }))),
  conv2dTranspose: images(
    () => L.conv2dTranspose({ filters: 4, kernelSize: 3, strides: 2 }),
    () => L.conv2dTranspose({ filters: 2, kernelSize: 2, strides: 2, padding: 'same', activation: 'relu' }),
  ),
  depthwiseConv2d: images(
    () => L.depthwiseConv2d({ kernelSize: 3, padding: 'same' }),
    () => L.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: 'same', activation: 'relu6' }),
  ),
  'depthwiseConv2d, several filters': images(() => L.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2 })),
  separableConv2d: images(
    () => L.separableConv2d({ filters: 4, kernelSize: 3, padding: 'same' }),
    () => L.separableConv2d({ filters: 3, kernelSize: 2, depthMultiplier: 2, activation: 'relu' }),
  ),
  maxPooling1d: chain([8, 3], () => [
    L.conv1d({ filters: 4, kernelSize: 3 }),
    L.maxPooling1d({ poolSize: 2 }),
  ]),
  averagePooling1d: chain([8, 3], () => [L.dense({ units: 4 }), L.averagePooling1d({ poolSize: 2 })]),
  maxPooling2d: images(
    () => L.conv2d({ filters: 4, kernelSize: 3 }),
    () => L.maxPooling2d({ poolSize: 2 }),
  ),
  'maxPooling2d, overlapping': images(
    () => L.conv2d({ filters: 4, kernelSize: 3, padding: 'same' }),
    () => L.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }),
  ),
  averagePooling2d: chain([4, 6, 3], () => [
    L.conv2d({ filters: 4, kernelSize: 3, padding: 'same' }),
    L.averagePooling2d({ poolSize: 2 }),
    L.flatten(),
  ]),
  // Not padded: TensorFlow.js's CPU gradient divides by the size of the whole window then, TensorFlow's does not.
  'averagePooling2d, overlapping': images(
    () => L.conv2d({ filters: 4, kernelSize: 3, padding: 'same' }),
    () => L.averagePooling2d({ poolSize: 3, strides: 2 }),
  ),
  'global pooling': chain(image, () => [L.conv2d({ filters: 4, kernelSize: 3 }), L.globalMaxPooling2d({})]),
  'global pooling, 1d': chain([6, 3], () => [
    L.dense({ units: 4 }),
    L.globalMaxPooling1d({}),
    L.dense({ units: 2 }),
  ]),
  'global average pooling, 1d': chain([6, 3], () => [L.dense({ units: 4 }), L.globalAveragePooling1d({})]),
  conv3d: chain([4, 5, 4, 2], () => [L.conv3d({ filters: 3, kernelSize: 2 }), L.flatten()]),
  conv3dTranspose: predictOnly(
    chain([3, 3, 3, 2], () => [L.conv3dTranspose({ filters: 2, kernelSize: 2, strides: 2 })]),
  ),
  maxPooling3d: chain([4, 4, 4, 2], () => [L.dense({ units: 3 }), L.maxPooling3d({ poolSize: 2 })]),
  averagePooling3d: chain([4, 4, 4, 2], () => [L.dense({ units: 3 }), L.averagePooling3d({ poolSize: 2 })]),
  // One square image: TensorFlow.js's CPU gradients of resizing are wrong for others.
  upSampling2d: chain(
    [6, 6, 2],
    () => [
      L.conv2d({ filters: 3, kernelSize: 3 }),
      L.upSampling2d({ size: [2, 3] }),
      L.conv2d({ filters: 2, kernelSize: 3 }),
    ],
    numbers([1, 6, 6, 2], 1),
  ),
  'upSampling2d, bilinear': chain(
    [6, 6, 2],
    () => [L.conv2d({ filters: 3, kernelSize: 3 }), L.upSampling2d({ interpolation: 'bilinear' })],
    numbers([1, 6, 6, 2], 1),
  ),
  'zeroPadding2d and cropping2D': images(
    () =>
      L.zeroPadding2d({
        padding: [
          [1, 2],
          [3, 0],
        ],
      }),
    () => L.conv2d({ filters: 4, kernelSize: 3 }),
    () =>
      L.cropping2D({
        cropping: [
          [1, 1],
          [2, 0],
        ],
      }),
  ),

  'batchNormalization of features': chain([6], () => [L.dense({ units: 4 }), L.batchNormalization()]),
  'batchNormalization of sequences': chain([5, 3], () => [
    L.dense({ units: 4 }),
    L.batchNormalization({ momentum: 0.6 }),
  ]),
  'batchNormalization of images': images(
    () => L.conv2d({ filters: 4, kernelSize: 3, useBias: false }),
    () => L.batchNormalization({ epsilon: 1e-5 }),
    () => L.reLU(),
  ),
  'batchNormalization, frozen': images(
    () => L.conv2d({ filters: 4, kernelSize: 3 }),
    () => L.batchNormalization({ trainable: false }),
  ),
  layerNormalization: chain([4, 6], () => [
    L.dense({ units: 6 }),
    L.layerNormalization(),
    L.dense({ units: 2 }),
  ]),
  'layerNormalization along two axes': chain([4, 6], () => [
    L.dense({ units: 6 }),
    L.layerNormalization({ axis: [1, 2] }),
  ]),
  'layerNormalization without an offset': predictOnly(
    chain([4, 6], () => [L.dense({ units: 6 }), L.layerNormalization({ center: false })]),
  ),

  embedding: chain(
    [5],
    () => [L.embedding({ inputDim: 7, outputDim: 4 }), L.globalAveragePooling1d({}), L.dense({ units: 2 })],
    indices([3, 5], 7),
  ),
  'embedding and a masked LSTM': chain(
    [5],
    () => [L.embedding({ inputDim: 7, outputDim: 4, maskZero: true }), L.lstm({ units: 3 })],
    indices([3, 5], 7),
  ),
  masking: chain([5, 4], () => [L.masking({ maskValue: 0 }), L.gru({ units: 3 })], {
    ...numbers([3, 5, 4], 2),
    data: numbers([3, 5, 4], 2).data.map((x, i) => (i % 20 < 8 ? x : 0)) as Float32Array,
  }),

  simpleRNN: sequences(() => L.simpleRNN({ units: 3 })),
  'simpleRNN, backwards, sequences': sequences(() =>
    L.simpleRNN({ units: 3, goBackwards: true, returnSequences: true, useBias: false }),
  ),
  lstm: sequences(() => L.lstm({ units: 3 })),
  'lstm, unrolled, sequences': sequences(() => L.lstm({ units: 3, unroll: true, returnSequences: true })),
  gru: sequences(() => L.gru({ units: 3 })),
  'gru, reset after, relu': sequences(() =>
    L.gru({ units: 3, recurrentActivation: 'hardSigmoid', activation: 'relu', returnSequences: true }),
  ),
  'stacked cells': sequences(() => L.rnn({ cell: [L.lstmCell({ units: 3 }), L.gruCell({ units: 2 })] })),
  bidirectional: sequences(() =>
    L.bidirectional({ layer: L.lstm({ units: 3, returnSequences: true }) as tf.RNN, mergeMode: 'concat' }),
  ),
  'bidirectional, summed': sequences(() =>
    L.bidirectional({ layer: L.gru({ units: 3 }) as tf.RNN, mergeMode: 'sum' }),
  ),
  timeDistributed: chain([4, 5], () => [
    L.timeDistributed({ layer: L.dense({ units: 3, activation: 'relu' }) }),
    L.simpleRNN({ units: 2 }),
  ]),
  'timeDistributed convolution': chain([3, 6, 5, 2], () => [
    L.timeDistributed({ layer: L.conv2d({ filters: 2, kernelSize: 3 }) }),
    L.flatten(),
  ]),
  convLstm2d: chain([3, 5, 5, 2], () => [L.convLstm2d({ filters: 2, kernelSize: 3 })]),

  add: merge(() => L.add(), [4], [4], [4]),
  'add, broadcast': merge(() => L.add(), [3, 4], [1, 4]),
  average: merge(() => L.average(), [4], [4]),
  maximum: merge(() => L.maximum(), [4], [4]),
  minimum: merge(() => L.minimum(), [4], [4]),
  multiply: merge(() => L.multiply(), [4], [4]),
  concatenate: merge(() => L.concatenate(), [4], [2]),
  'concatenate along time': merge(() => L.concatenate({ axis: 1 }), [4, 3], [2, 3]),
  dot: merge(() => L.dot({ axes: 1 }), [4], [4]),
  'dot of matrices, normalized': merge(() => L.dot({ axes: 2, normalize: true }), [3, 4], [2, 4]),

  'flatten, reshape, permute, repeatVector': chain([4, 3], () => [
    L.permute({ dims: [2, 1] }),
    L.dense({ units: 2 }),
    L.flatten(),
    L.dense({ units: 6 }),
    L.reshape({ targetShape: [2, 3] }),
    L.flatten(),
    L.repeatVector({ n: 2 }),
    L.dense({ units: 2 }),
  ]),
  rescaling: images(() => L.rescaling({ scale: 1 / 127.5, offset: -1 })),
  "a layer of one's own": chain([5], () => [
    L.dense({ units: 4 }),
    new ScaledRoot({}),
    L.dense({ units: 2 }),
  ]),

  regularizers: chain([5], () => [
    L.dense({ units: 4, kernelRegularizer: tf.regularizers.l2({ l2: 0.1 }), activation: 'relu' }),
    L.dense({
      units: 3,
      kernelRegularizer: tf.regularizers.l1l2({ l1: 0.02, l2: 0.3 }),
      biasRegularizer: 'l1l2',
    }),
  ]),
  'frozen layers': chain([5], () => [
    L.dense({ units: 4, trainable: false, activation: 'relu' }),
    L.dense({ units: 3, activation: 'sigmoid' }),
  ]),
  'no parameters at all': chain([4], () => [L.activation({ activation: 'relu' })]),
  'dropout of nothing': chain([4], () => [L.dense({ units: 3 }), L.dropout({ rate: 0 })]),
  sequential: {
    model: () =>
      tf.sequential({
        layers: [
          L.conv2d({ inputShape: [...image], filters: 4, kernelSize: 3, activation: 'relu' }),
          L.maxPooling2d({ poolSize: 2 }),
          L.flatten(),
          L.dense({ units: 3, activation: 'softmax' }),
        ],
      }),
    inputs: [numbers([3, ...image], 1)],
  },
  'several inputs and outputs, a shared layer, a nested model': {
    model: () => {
      const [a, b] = [tf.input({ shape: [6] }), tf.input({ shape: [6] })];
      const shared = L.dense({ units: 4, activation: 'tanh' });
      const nested = tf.sequential({
        layers: [
          L.dense({ inputShape: [4], units: 5, activation: 'relu', kernelRegularizer: 'l1l2' }),
          L.batchNormalization(),
          L.dense({ units: 3 }),
        ],
      });
      const [u, v] = [a, b].map((x) => nested.apply(shared.apply(x)) as tf.SymbolicTensor);
      const joint = L.concatenate().apply([u!, v!]) as tf.SymbolicTensor;
      return tf.model({
        inputs: [a, b],
        outputs: [L.dense({ units: 2 }).apply(joint) as tf.SymbolicTensor, u!],
      });
    },
    inputs: [numbers([3, 6], 1), numbers([3, 6], 2)],
  },
  'the states of a recurrent layer, into another': {
    model: () => {
      const [a, b] = [tf.input({ shape: [4, 3] }), tf.input({ shape: [2, 3] })];
      const [, h, c] = L.lstm({ units: 3, returnState: true }).apply(a) as tf.SymbolicTensor[];
      const decoder = L.lstm({ units: 3, returnSequences: true });
      return tf.model({ inputs: [a, b], outputs: decoder.apply([b, h!, c!]) as tf.SymbolicTensor });
    },
    inputs: [numbers([3, 4, 3], 1), numbers([3, 2, 3], 2)],
  },
  // TensorFlow.js calls the second layer several times, and takes its own states for another's in training.
  'all that two recurrent layers return': predictOnly({
    model: () => {
      const [a, b] = [tf.input({ shape: [4, 3] }), tf.input({ shape: [2, 3] })];
      const encoded = L.gru({ units: 3, returnState: true }).apply(a) as tf.SymbolicTensor[];
      const decoder = L.gru({ units: 3, returnSequences: true, returnState: true });
      const decoded = decoder.apply([b, encoded[1]!]) as tf.SymbolicTensor[];
      return tf.model({ inputs: [a, b], outputs: [...encoded, ...decoded] });
    },
    inputs: [numbers([3, 4, 3], 1), numbers([3, 2, 3], 2)],
  }),
};

test.each(Object.entries(CASES))('%s', async (_, { model, inputs, predictOnly }) => {
  await expectSame(model(), inputs, { predictOnly });
});

test('batchNormalization along another axis', async () => {
  // TensorFlow.js's CPU kernel takes the averages for those of the last axis, so the formula is the reference.
  const x = tf.input({ shape: [3, 4] });
  const layer = L.batchNormalization({ axis: 1 });
  const model = tf.model({ inputs: x, outputs: layer.apply(x) as tf.SymbolicTensor });
  fillWeights(model);
  const f = functional(model);
  const step = (params: Record<string, tf.Tensor>, inputs: { x: tf.Tensor }) => ({
    state: params,
    outputs: { y: f.apply(params, inputs.x).output, z: f.apply(params, inputs.x, { training: true }).output },
  });
  const [gamma, beta, mean, variance] = model.getWeights().map((weight) => weight.reshape([1, 3, 1]));
  const given = numbers([2, 3, 4], 1);
  const values = tensorOf(given);
  const normalized = (mean: tf.Tensor, variance: tf.Tensor) =>
    values.sub(mean).div(variance.add(1e-3).sqrt()).mul(gamma!).add(beta!).dataSync();
  const moments = tf.moments(values, [0, 2], true);
  const expected = { y: normalized(mean!, variance!), z: normalized(moments.mean, moments.variance) };
  for (const engine of await compiledEngines()) {
    const program = await compile(step, { state: f.params, inputs: { x: given } }, { engine, numThreads: 1 });
    const made = await program.run({ x: given });
    for (const name of ['y', 'z'] as const) {
      expected[name].forEach((value, i) => {
        expect(made[name].data[i]).toBeCloseTo(value, 5);
      });
    }
    await program.dispose();
  }
});
