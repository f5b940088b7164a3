/** Graph models: predicted, differentiated, exported and written back, on every engine as TensorFlow.js executes them. */
import { compile, type EngineName, exportOnnx } from '@beit/compile';
import { toTensors, valueAndGrads } from '@beit/optim';
import type { NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { compiledEngines } from '../../compile/test/compiledEngines';
import { numbers, tensorOf } from '../../compile/test/hostTensors';
import { runOnnx } from '../../compile/test/runOnnx';
import { foundOn } from '../../compile/test/runsOn';
import { allFinite, namedDifference, within } from '../../compile/test/tensorDifference';
import { functional } from '../src';

tf.enableProdMode();
beforeEach(() => tf.setBackend('cpu'));

type Attributes = Readonly<Record<string, object>>;
const node = (name: string, op: string, input: readonly string[] = [], attr: Attributes = {}) => ({
  name,
  op,
  input,
  attr: { T: { type: 'DT_FLOAT' }, ...attr },
});
const text = (value: string) => ({ s: Buffer.from(value).toString('base64') });
const ints = (...values: readonly number[]) => ({ list: { i: values.map(String) } });
const placeholder = (name: string, ...shape: readonly number[]) =>
  node(name, 'Placeholder', [], {
    dtype: { type: 'DT_FLOAT' },
    shape: { shape: { dim: shape.map((size) => ({ size: String(size) })) } },
  });
const constant = (name: string, dtype = 'DT_FLOAT') => node(name, 'Const', [], { dtype: { type: dtype } });

const weightOf = (name: string, shape: readonly number[], seed: number, positive = false) => {
  const { data } = numbers(shape, seed);
  const values = positive ? data.map((value) => Math.abs(value) + 0.5) : data;
  return { name, shape: [...shape], dtype: 'float32' as const, data: values as Float32Array };
};
const small = (name: string, data: Float32Array | Int32Array, shape: readonly number[] = [data.length]) => ({
  name,
  shape: [...shape],
  dtype: data instanceof Int32Array ? ('int32' as const) : ('float32' as const),
  data,
});

function artifactsOf(
  nodes: readonly ReturnType<typeof node>[],
  weights: readonly {
    name: string;
    shape: number[];
    dtype: 'float32' | 'int32';
    data: Float32Array | Int32Array;
  }[],
): tf.io.ModelArtifacts {
  const bytes = new Uint8Array(4 * weights.reduce((sum, { data }) => sum + data.length, 0));
  let offset = 0;
  for (const { data } of weights) {
    bytes.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), offset);
    offset += data.byteLength;
  }
  return {
    modelTopology: { node: nodes, library: {}, versions: { producer: 1, minConsumer: 1 } },
    weightSpecs: weights.map(({ name, shape, dtype }) => ({ name, shape, dtype })),
    weightData: bytes.buffer,
  } as tf.io.ModelArtifacts;
}
const load = (artifacts: tf.io.ModelArtifacts) => tf.loadGraphModel(tf.io.fromMemory(artifacts));

/** A classifier as the converter writes them: shapes, axes and bounds are weights, too. */
const classifier = () =>
  artifactsOf(
    [
      placeholder('image', -1, 6, 6, 2),
      ...['filter', 'gamma', 'beta', 'mean', 'variance', 'kernel', 'bias', 'half', 'low', 'high'].map(
        (name) => constant(name),
      ),
      constant('shape', 'DT_INT32'),
      node('conv', 'Conv2D', ['image', 'filter'], {
        strides: ints(1, 1, 1, 1),
        dilations: ints(1, 1, 1, 1),
        padding: text('VALID'),
        data_format: text('NHWC'),
      }),
      node('norm', 'FusedBatchNormV3', ['conv', 'gamma', 'beta', 'mean', 'variance'], {
        epsilon: { f: 0.001 },
        is_training: { b: false },
        data_format: text('NHWC'),
      }),
      node('clipped', 'ClipByValue', ['norm', 'low', 'high']),
      node('pooled', 'MaxPool', ['clipped'], {
        ksize: ints(1, 2, 2, 1),
        strides: ints(1, 2, 2, 1),
        padding: text('VALID'),
        data_format: text('NHWC'),
      }),
      node('flat', 'Reshape', ['pooled', 'shape']),
      node('halved', 'Mul', ['flat', 'half']),
      node('product', 'MatMul', ['halved', 'kernel'], {
        transpose_a: { b: false },
        transpose_b: { b: false },
      }),
      node('logits', 'BiasAdd', ['product', 'bias']),
      node('classes', 'Softmax', ['logits']),
    ],
    [
      weightOf('filter', [3, 3, 2, 3], 1),
      weightOf('gamma', [3], 2),
      weightOf('beta', [3], 3),
      weightOf('mean', [3], 4),
      weightOf('variance', [3], 5, true),
      weightOf('kernel', [12, 4], 6),
      weightOf('bias', [4], 7),
      small('half', Float32Array.of(0.5), []),
      small('low', Float32Array.of(-1), []),
      small('high', Float32Array.of(1.5), []),
      small('shape', Int32Array.of(-1, 12)),
    ],
  );
const images = numbers([3, 6, 6, 2], 9);
const largest = (a: tf.Tensor, b: tf.Tensor) => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;

test('parameters are the arrays that ops compute with', async () => {
  const { params, trainable, inputNames, outputNames, noise } = functional(await load(classifier()));
  expect([inputNames, outputNames, noise([3, 6, 6, 2])]).toEqual([['image'], ['classes'], {}]);
  const names = Object.keys(params).sort();
  expect(names).toEqual(['beta', 'bias', 'filter', 'gamma', 'kernel', 'mean', 'variance']);
  expect(names.filter((name) => !trainable(name))).toEqual(['mean', 'variance']);
});

test('predicted and differentiated on every engine', async () => {
  const model = await load(classifier());
  const f = functional(model);
  const predicted = (model.predict(tensorOf(images)) as tf.Tensor).dataSync();
  const step = (params: Record<string, tf.Tensor>, { x }: { x: tf.Tensor }) => {
    const trained = Object.fromEntries(Object.entries(params).filter(([name]) => f.trainable(name)));
    const { loss, outputs, gradients } = valueAndGrads((varied) => {
      const { output } = f.apply({ ...params, ...varied }, x);
      return { loss: tf.mean(tf.log(tf.slice(output, [0, 1], [-1, 1]))), output: output as tf.Tensor };
    }, trained);
    return { state: params, outputs: { loss, ...outputs, ...gradients } as Record<string, tf.Tensor> };
  };
  const run = async (engine: EngineName) => {
    const options = engine === 'tfjs' ? { engine, backend: 'cpu' } : { engine, numThreads: 1 };
    const program = await compile(step, { state: f.params, inputs: { x: images } }, options);
    const outputs = (await program.run({ x: images })) as NamedTensors;
    await program.dispose();
    return outputs;
  };
  const eager = await run('tfjs');
  expect(Array.from(eager.output!.data)).toEqual(Array.from(predicted));
  // The gradient of the filter by central differences, along one direction.
  const lossAt = (shift: number) => {
    const { data } = f.params.filter!;
    const direction = numbers([data.length], 20).data;
    const filter = {
      ...f.params.filter!,
      data: data.map((value, i) => value + shift * direction[i]!) as Float32Array,
    };
    const params = toTensors({ ...f.params, filter });
    return tf
      .mean(tf.log(tf.slice(f.apply(params, tensorOf(images)).output, [0, 1], [-1, 1])))
      .dataSync()[0]!;
  };
  const slope = Array.from(eager.filter!.data).reduce(
    (sum, value, i) => sum + value * numbers([54], 20).data[i]!,
    0,
  );
  expect((lossAt(0.01) - lossAt(-0.01)) / 0.02).toBeCloseTo(slope, 2);
  expect(allFinite(eager)).toBe(true);
  const found = await foundOn(await compiledEngines(), async (engine) =>
    namedDifference(await run(engine), eager, (tensor) => within({ absolute: 1e-5 }, tensor)),
  );
  expect(found).toEqual({});
});

test('written back: predict and save go on from it, and apply changed nothing before', async () => {
  const model = await load(classifier());
  const f = functional(model);
  const x = tensorOf(images);
  const before = (model.predict(x) as tf.Tensor).dataSync().slice();
  const changed = { ...f.params, kernel: { ...f.params.kernel!, data: numbers([12, 4], 60).data } };
  const tensors = tf.memory().numTensors;
  const params = toTensors(changed);
  const { output, penalty } = f.apply(params, x);
  expect(tf.memory().numTensors).toBe(tensors + Object.keys(params).length + 2);
  expect((model.predict(x) as tf.Tensor).dataSync()).toEqual(before);
  await f.assign(changed);
  expect(largest(model.predict(x) as tf.Tensor, output)).toBe(0);
  const saved: tf.io.ModelArtifacts[] = [];
  await model.save(
    tf.io.withSaveHandler(async (artifacts) => {
      saved.push(artifacts);
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  const again = await load(saved[0]!);
  expect(largest(again.predict(x) as tf.Tensor, output)).toBe(0);
  expect(functional(again).params).toEqual(changed);
  tf.dispose([penalty]);
});

test('exported as ONNX', async () => {
  const model = await load(classifier());
  const f = functional(model);
  const onnx = await exportOnnx((params, { x }) => ({ classes: f.apply(params, x).output }), {
    params: f.params,
    inputs: { x: { dtype: 'float32', shape: ['batch', 6, 6, 2] } },
  });
  const [{ classes } = {}] = runOnnx('onnxruntime-node', onnx, [{ x: images }]) as NamedTensors[];
  expect(largest(tensorOf(classes!), model.predict(tensorOf(images)) as tf.Tensor)).toBeLessThan(1e-5);
});

test('several inputs and outputs, by name', async () => {
  const model = await load(
    artifactsOf(
      [
        placeholder('a', -1, 2),
        placeholder('b', -1, 2),
        constant('w'),
        node('sum', 'AddV2', ['a', 'b']),
        node('scaled', 'Mul', ['sum', 'w']),
        node('difference', 'Sub', ['a', 'b']),
      ],
      [weightOf('w', [2], 1)],
    ),
  );
  const f = functional(model);
  const [a, b] = [tf.tensor2d([[1, 2]]), tf.tensor2d([[3, 5]])];
  const { outputs } = f.apply({ w: tf.tensor1d([10, 100]) }, { b, a });
  expect([...f.outputNames].sort()).toEqual(['difference', 'scaled']);
  expect(Array.from(outputs.scaled!.dataSync())).toEqual([40, 700]);
  expect(Array.from(outputs.difference!.dataSync())).toEqual([-2, -3]);
  expect(() => f.apply({ w: a }, { a, b })).toThrow(
    "The parameter 'w' has shape [1,2]; the model's has [2].",
  );
});

test.each([
  ['control flow', 'Switch', "the op 'Switch' ('choice'), which is control flow"],
  ['shapes that depend on numbers', 'Where', "the op 'Where' ('choice'), which has no fixed shape"],
  ['randomness', 'RandomStandardNormal', "the op 'RandomStandardNormal' ('choice'), which is random"],
])('refused: %s', async (_, op, message) => {
  const model = await load(
    artifactsOf(
      [placeholder('a', -1), constant('w'), node('choice', op, ['a', 'w']), node('y', 'Relu', ['choice'])],
      [weightOf('w', [2], 1)],
    ),
  );
  expect(() => functional(model)).toThrow(message);
});
