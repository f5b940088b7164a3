import * as tf from '@tensorflow/tfjs';
import { compile, trace } from '../src';
import { eachEngine } from './eachEngine';

tf.enableProdMode();

type Tensors = Record<string, tf.Tensor>;
const X = { x: { dtype: 'float32', shape: [2, 3] } } as const;

const DRAWING: Readonly<Record<string, (x: tf.Tensor) => tf.Tensor>> = {
  randomUniform: (x) => x.add(tf.randomUniform(x.shape)),
  'randomUniform with a seed': (x) => x.add(tf.randomUniform(x.shape, 0, 1, 'float32', 3)),
  'randomUniform of int32': (x) => tf.randomUniform(x.shape, 0, 9, 'int32'),
  randomNormal: (x) => x.add(tf.randomNormal(x.shape)),
  'randomNormal with a seed': (x) => x.add(tf.randomNormal(x.shape, 0, 1, 'float32', 3)),
  truncatedNormal: (x) => x.add(tf.truncatedNormal(x.shape)),
  'truncatedNormal with a seed': (x) => x.add(tf.truncatedNormal(x.shape, 0, 1, 'float32', 3)),
  randomGamma: (x) => x.add(tf.randomGamma(x.shape, 2)),
  randomUniformInt: (x) => x.add(tf.randomUniformInt(x.shape, 0, 9)),
  randomStandardNormal: (x) => x.add(tf.randomStandardNormal(x.shape)),
  rand: (x) => x.add(tf.rand(x.shape, Math.random)),
  multinomial: (x) => tf.multinomial(x as tf.Tensor2D, 1),
  'multinomial with a seed': (x) => tf.multinomial(x as tf.Tensor2D, 1, 3),
  dropout: (x) => tf.dropout(x, 0.5),
  'dropout with a seed': (x) => tf.dropout(x, 0.5, undefined, 3),
  'dropout of a layer': (x) => tf.layers.dropout({ rate: 0.5 }).apply(x, { training: true }) as tf.Tensor,
  'dropout in a gradient': (x) => tf.grad((x) => tf.dropout(x.square(), 0.5).sum())(x),
  'randomNormal of a layer': (x) =>
    tf.layers.gaussianNoise({ stddev: 1 }).apply(x, { training: true }) as tf.Tensor,
};

test.each(Object.entries(DRAWING))('%s is refused, with what to do', (name, draw) => {
  const op = name.split(' ')[0]!;
  const before = tf.memory().numTensors;
  const step = (state: Tensors, { x }: Record<'x', tf.Tensor>) => ({ state, outputs: { y: draw(x) } });
  const traced = () => trace(step, {}, X);
  expect(traced).toThrow(`The op '${op}' can't be traced: it draws random numbers`);
  expect(traced).toThrow(
    /the same at every run\. Called .*randomOps\.test\.ts:\d+:\d+\)?\. Draw them outside/,
  );
  expect(traced).toThrow(/noise: \{ dtype: '(float32|int32)', shape: \[2, 3\], data: tf\.tidy\(/);
  expect(tf.memory().numTensors).toBe(before);
});

test('what draws no numbers is not refused', () => {
  const step = (state: Tensors, { x }: Record<'x', tf.Tensor>) => ({
    state,
    outputs: {
      y: tf.tidy('dropout', () => tf.dropout(x, 0).add(tf.zeros([2, 3]))),
      z: tf.layers.dropout({ rate: 0.5 }).apply(x, { training: false }) as tf.Tensor,
    },
  });
  expect(() => trace(step, {}, X)).not.toThrow();
});

test('what the errors advise is dropout, and one sample of a multinomial', () =>
  eachEngine(async (engine) => {
    const [rate, size] = [0.25, 3000];
    const step = (
      state: Tensors,
      { x, noise, logits, uniform }: Record<'x' | 'noise' | 'logits' | 'uniform', tf.Tensor>,
    ) => ({
      state,
      outputs: {
        dropped: x.mul(noise.greaterEqual(rate).cast('float32')).div(1 - rate),
        samples: logits.sub(uniform.log().neg().log()).argMax(-1),
      } as Tensors,
    });
    const shape = [size, 3];
    const draw = (seed: number) => ({
      dtype: 'float32' as const,
      shape,
      data: tf.tidy(() => tf.randomUniform(shape, 0, 1, 'float32', seed).dataSync() as Float32Array),
    });
    const ones = { dtype: 'float32', shape, data: new Float32Array(3 * size).fill(1) } as const;
    const odds = [0.2, 0.7, 0.1];
    const logits = { ...ones, data: ones.data.map((_, i) => Math.log(odds[i % 3]!)) };
    const inputs = { x: ones, noise: draw(1), logits, uniform: draw(2) };
    const program = await compile(step, { state: {}, inputs }, { engine });
    const { dropped, samples } = await program.run(inputs);
    expect(new Set(dropped!.data)).toEqual(new Set([0, Math.fround(1 / 0.75)]));
    expect((dropped!.data as Float32Array).reduce((a, b) => a + b, 0) / dropped!.data.length).toBeCloseTo(
      1,
      1,
    );
    for (const [i, chance] of odds.entries()) {
      expect(samples!.data.filter((x) => x === i).length / size).toBeCloseTo(chance, 1);
    }
    await program.dispose();
  }));
