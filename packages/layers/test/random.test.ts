/** Random layers take their numbers from outside, and then do what TensorFlow.js does with the same ones. */
import { compile, type EngineName } from '@beit/compile';
import { toTensors, valueAndGrads } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { compiledEngines } from '../../compile/test/compiledEngines';
import { numbers, tensorOf } from '../../compile/test/hostTensors';
import { foundOn } from '../../compile/test/runsOn';
import { allFinite, namedDifference, within } from '../../compile/test/tensorDifference';
import { drawNoise, functional, type NoiseSpec } from '../src';
import { fillWeights } from './modelDifference';

tf.enableProdMode();
beforeEach(() => tf.setBackend('cpu'));
afterEach(() => jest.restoreAllMocks());

const L = tf.layers;
const chain = (shape: readonly number[], ...layers: readonly tf.layers.Layer[]): tf.LayersModel => {
  const x = tf.input({ shape: [...shape] });
  const y = layers.reduce((value, layer) => layer.apply(value) as tf.SymbolicTensor, x);
  return tf.model({ inputs: x, outputs: y });
};

/** TensorFlow.js's unseeded generators take a seed from `Math.random`; here the same ones again after each call. */
function repeatableSeeds(): void {
  let count = 0;
  jest.spyOn(Math, 'random').mockImplementation(() => (++count * 0.6180339887) % 1);
}

const theirs = ({ shape, distribution }: NoiseSpec): tf.Tensor =>
  distribution === 'normal' ? tf.randomNormal([...shape]) : tf.randomUniform([...shape]);

const CASES: Readonly<Record<string, () => tf.LayersModel>> = {
  dropout: () => chain([4, 3], L.dropout({ rate: 0.4 })),
  'dropout of a shape': () => chain([4, 3], L.dropout({ rate: 0.4, noiseShape: [3, 1, 3] })),
  spatialDropout1d: () => chain([4, 3], L.spatialDropout1d({ rate: 0.4 })),
  gaussianNoise: () => chain([4, 3], L.gaussianNoise({ stddev: 0.3 })),
  gaussianDropout: () => chain([4, 3], L.gaussianDropout({ rate: 0.3 })),
  alphaDropout: () => chain([4, 3], L.alphaDropout({ rate: 0.3 })),
  'simpleRNN, dropout': () => chain([4, 3], L.simpleRNN({ units: 2, dropout: 0.4, recurrentDropout: 0.3 })),
  'gru, dropout': () =>
    chain([4, 3], L.gru({ units: 2, dropout: 0.4, recurrentDropout: 0.3, returnSequences: true })),
  'lstm, dropout': () => chain([4, 3], L.lstm({ units: 2, dropout: 0.4, recurrentDropout: 0.3 })),
  'convLstm2d, dropout': () =>
    chain([2, 4, 4, 2], L.convLstm2d({ filters: 3, kernelSize: 2, dropout: 0.3, recurrentDropout: 0.2 })),
  'bidirectional, dropout': () =>
    chain(
      [4, 3],
      L.bidirectional({ layer: L.lstm({ units: 2, dropout: 0.4 }) as tf.RNN, mergeMode: 'concat' }),
    ),
  'stacked cells, dropout': () =>
    chain(
      [4, 3],
      L.rnn({
        cell: [
          L.lstmCell({ units: 2, dropout: 0.4 }),
          L.gruCell({ units: 5, dropout: 0.3, recurrentDropout: 0.2 }),
        ],
      }),
    ),
  'timeDistributed dropout': () => chain([4, 3], L.timeDistributed({ layer: L.dropout({ rate: 0.4 }) })),
  'dropout, shared and in a nested model': () => {
    const shared = L.dropout({ rate: 0.4 });
    const x = tf.input({ shape: [4] });
    const nested = chain([4], L.dense({ units: 3 }), L.dropout({ rate: 0.2 }));
    const y = nested.apply(shared.apply(x)) as tf.SymbolicTensor;
    return tf.model({ inputs: x, outputs: shared.apply(y) as tf.SymbolicTensor });
  },
};

test.each(Object.entries(CASES))('%s: the same numbers, the same output', (_, make) => {
  const model = make();
  fillWeights(model);
  const shape = [3, ...(model.inputs[0]!.shape.slice(1) as number[])];
  const x = tensorOf(numbers(shape, 1));
  repeatableSeeds();
  const expected = model.apply(x, { training: true }) as tf.Tensor;
  jest.restoreAllMocks();
  const f = functional(model);
  const specs = f.noise(shape);
  repeatableSeeds();
  const noise = Object.fromEntries(Object.entries(specs).map(([name, spec]) => [name, theirs(spec)]));
  const params = toTensors(f.params);
  const { output } = f.apply(params, x, { training: true, noise });
  expect(output.shape).toEqual(expected.shape);
  expect(tf.max(tf.abs(tf.sub(output, expected))).dataSync()[0]).toBeLessThan(1e-6);
  // Without training nothing is random.
  const without = f.apply(params, x).output;
  // TensorFlow.js's stacked cells keep the masks of a training step for good.
  const fresh = make();
  fillWeights(fresh);
  expect(tf.max(tf.abs(tf.sub(without, fresh.predict(x) as tf.Tensor))).dataSync()[0]).toBe(0);
  expect(tf.max(tf.abs(tf.sub(output, without))).dataSync()[0]).toBeGreaterThan(1e-3);
});

test('a training step with all of them, compiled, is the eager one', async () => {
  const model = chain(
    [3, 4],
    L.dense({ units: 4 }),
    L.spatialDropout1d({ rate: 0.3 }),
    L.gaussianNoise({ stddev: 0.2 }),
    L.gru({ units: 4, dropout: 0.2, recurrentDropout: 0.3, returnSequences: true }),
    L.gaussianDropout({ rate: 0.2 }),
    L.alphaDropout({ rate: 0.2 }),
    L.dropout({ rate: 0.3 }),
    L.lstm({ units: 3, dropout: 0.3 }),
  );
  fillWeights(model);
  const f = functional(model);
  const specs = f.noise([2, 3, 4]);
  const step = (
    params: Record<string, tf.Tensor>,
    { x, noise }: { x: tf.Tensor; noise: Record<string, tf.Tensor> },
  ) => {
    const { loss, gradients } = valueAndGrads((varied) => {
      const { output } = f.apply(varied, x, { training: true, noise });
      return { loss: tf.mean(tf.square(output)) as tf.Tensor };
    }, params);
    return { state: params, outputs: { loss, ...gradients } as Record<string, tf.Tensor> };
  };
  const x = numbers([2, 3, 4], 1);
  const noises = [0, 1].map((i) => drawNoise(specs, createRandom('noise', i)));
  const run = async (engine: EngineName) => {
    const options = engine === 'tfjs' ? { engine, backend: 'cpu' } : { engine, numThreads: 1 };
    const program = await compile(step, { state: f.params, inputs: { x, noise: specs } }, options);
    const results: Record<string, HostTensor>[] = [];
    for (const noise of noises) results.push(await program.run({ x, noise }));
    await program.dispose();
    return results;
  };
  const eager = await run('tfjs');
  expect(eager[0]!.loss!.data[0]).not.toBeCloseTo(eager[1]!.loss!.data[0]!, 3);
  expect(eager.every(allFinite)).toBe(true);
  const close = { ofLargest: 2e-5, absolute: 2e-7 };
  const found = await foundOn(await compiledEngines(), async (engine) => {
    const made = await run(engine);
    const wrong = eager.map((expected, i) =>
      namedDifference(made[i]!, expected, (tensor) => within(close, tensor)),
    );
    return wrong.find((difference) => difference !== undefined);
  });
  expect(found).toEqual({});
});

describe('noise', () => {
  const model = chain(
    [5],
    L.dropout({ rate: 0.5, name: 'drop' }),
    L.gaussianNoise({ stddev: 1, name: 'blur' }),
  );

  test('is named by layer, and drawn by keys', () => {
    const { noise } = functional(model);
    expect(noise([2, 5])).toEqual({
      drop: { dtype: 'float32', shape: [2, 5], distribution: 'uniform' },
      blur: { dtype: 'float32', shape: [2, 5], distribution: 'normal' },
    });
    const specs = noise([400, 5]);
    const drawn = drawNoise(specs, createRandom('seed', 1));
    expect(drawNoise(specs, createRandom('seed', 1))).toEqual(drawn);
    expect(drawNoise(specs, createRandom('seed', 2))).not.toEqual(drawn);
    const { mean, variance } = tf.moments(tensorOf(drawn.blur!));
    expect(mean.dataSync()[0]).toBeCloseTo(0, 1);
    expect(variance.dataSync()[0]).toBeCloseTo(1, 1);
    const uniform = drawn.drop!.data;
    expect(Math.min(...uniform)).toBeGreaterThanOrEqual(0);
    expect(Math.max(...uniform)).toBeLessThan(1);
    expect(uniform.filter((u) => u < 0.25).length / uniform.length).toBeCloseTo(0.25, 1);
  });

  test('is asked for by name and shape', () => {
    const { apply, params, noise } = functional(model);
    const x = tf.ones([2, 5]);
    const training = true;
    expect(() => apply({}, x, { training })).toThrow(/layer 'drop' needs random numbers.*drawNoise\(/);
    const drawn = toTensors(drawNoise(noise([3, 5]), createRandom(1)));
    expect(() => apply(toTensors(params), x, { training, noise: drawn })).toThrow(
      "needs random numbers of shape [2,5] in training, but noise has 'drop' [3,5], 'blur' [3,5].",
    );
    expect(() => apply({}, x, { training, noise: {} })).toThrow('but noise has none');
  });
});
