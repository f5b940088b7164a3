import { compile } from '@beit/compile';
import type { TensorParams } from '@beit/nn';
import { toTensors, valueAndGrads } from '@beit/optim';
import { createRandom } from '@beit/random';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { loadSafetensors, withoutPrefix, withPrefix } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { createDvae } from '../src/createDvae';
import { DALL_E } from '../src/dvaeConfig';
import { gumbelSoftmax, klToUniform, logitLaplaceNll } from '../src/likelihood';
import { mapPixels, unmapPixels } from '../src/pixelMap';

beforeAll(() => tf.setBackend('cpu'));

const small = { vocabSize: 16, hiddenDim: 8, decoderInitDim: 4, numGroups: 2, blocksPerGroup: 1 };

describe('against the released implementation (fixtures/dvae.safetensors)', () => {
  let tensors: NamedTensors;
  let meta: Record<string, string>;
  beforeAll(async () => {
    ({ tensors, metadata: meta } = await loadSafetensors('fixtures/dvae.safetensors'));
  });

  const tensor = (name: string): tf.Tensor => {
    const { data, shape } = tensors[name] as HostTensor;
    const whole = tf.tensor(data.slice(), [...shape]);
    return shape.length === 4 && !/^(encoder|decoder|grad)/.test(name)
      ? tf.transpose(whole, [0, 2, 3, 1])
      : whole;
  };
  const relativeError = (actual: tf.Tensor, expected: tf.Tensor) => {
    expect(actual.shape).toEqual(expected.shape);
    const scale = tf.max(tf.abs(expected)).dataSync()[0]!;
    return tf.max(tf.abs(tf.sub(actual, expected))).dataSync()[0]! / scale;
  };

  test('outputs, loss and the gradient of every parameter', async () => {
    const config = JSON.parse(meta.config!) as Record<string, number>;
    const dvae = createDvae({
      vocabSize: config.vocabSize!,
      hiddenDim: config.hidden!,
      decoderInitDim: config.decoderInit!,
      numGroups: config.groups!,
      blocksPerGroup: config.blocksPerGroup!,
    });
    const params = toTensors({
      ...withPrefix(withoutPrefix(tensors, 'encoder.'), 'encoder.'),
      ...withPrefix(withoutPrefix(tensors, 'decoder.'), 'decoder.'),
    }) as Record<string, tf.Tensor>;
    const shapes = Object.fromEntries(Object.entries(params).map(([name, { shape }]) => [name, shape]));
    expect(dvae.parameterShapes()).toEqual(shapes);

    const inputs = { images: tensor('input.images'), gumbel: tensor('input.gumbel') };
    const forward = (p: TensorParams, { images, gumbel }: typeof inputs) => {
      const logits = dvae.encode(p, images);
      const sample = gumbelSoftmax(logits, gumbel, tf.scalar(JSON.parse(meta.temperature!)));
      const { mu, logB } = dvae.decode(p, sample);
      const mapped = mapPixels(images);
      const nll = tf.sum(logitLaplaceNll(mapped, { mu, logB }), [1, 2, 3]);
      const kl = tf.sum(klToUniform(logits), [1, 2]);
      return {
        loss: tf.add(tf.mean(nll), tf.mul(tf.mean(kl), JSON.parse(meta.klWeight!))) as tf.Scalar,
        mapped,
        logits,
        reconstruction: tf.concat([mu, logB], 3),
        unmapped: unmapPixels(tf.sigmoid(mu)),
        nll,
        kl,
      };
    };
    for (const [name, actual] of Object.entries(forward(params, inputs))) {
      expect([name, relativeError(actual, tensor(`output.${name}`)) < 1e-5]).toEqual([name, true]);
    }
    const own = dvae.tokenize(params, inputs.images);
    expect([...own.dataSync()]).toEqual([...tensors['output.tokens']!.data]);

    // Compiled: gradients of these convolutions take most of a minute in plain JavaScript.
    const host = (x: tf.Tensor): HostTensor => ({
      dtype: 'float32',
      shape: x.shape,
      data: x.dataSync() as Float32Array,
    });
    const hostInputs = { images: host(inputs.images), gumbel: host(inputs.gumbel) };
    const state = Object.fromEntries(Object.entries(params).map(([name, x]) => [name, host(x)]));
    const program = await compile(
      (p: Record<string, tf.Tensor>, batch: typeof inputs) => ({
        state: p,
        outputs: valueAndGrads((q) => forward(q, batch), p).gradients,
      }),
      { state, inputs: hostInputs },
      { engine: 'onnxruntime' },
    );
    const gradients = toTensors(await program.run(hostInputs)) as Record<string, tf.Tensor>;
    await program.dispose();
    const expected = Object.keys(tensors).filter((name) => name.startsWith('grad.'));
    expect(expected.length).toBe(Object.keys(params).length);
    for (const name of expected) {
      const error = relativeError(gradients[name.slice('grad.'.length)]!, tensor(name));
      expect([name, error < 1e-4]).toEqual([name, true]);
    }
  });
});

test('DALL-E has 53,786,240 parameters in 74 tensors and 43,829,766 in 76', () => {
  const entries = Object.entries(createDvae(DALL_E).parameterShapes());
  const sizes = (part: string) =>
    entries
      .filter(([name]) => name.startsWith(part))
      .map(([, shape]) => shape.reduce((size, dim) => size * dim, 1));
  const sum = (numbers: number[]) => numbers.reduce((total, x) => total + x, 0);
  expect([sum(sizes('encoder.')), sizes('encoder.').length]).toEqual([53_786_240, 74]);
  expect([sum(sizes('decoder.')), sizes('decoder.').length]).toEqual([43_829_766, 76]);
});

describe('a small one', () => {
  const dvae = createDvae(small);
  const make = (seed: number) => toTensors(dvae.init(createRandom(seed))) as TensorParams;
  const images = () => tf.randomUniform([2, 8, 12, 3], 0, 1, 'float32', 5);

  test('begins with weights of spread 1 / sqrt(inputs k k), biases of 0, the same for the same seed', () => {
    const host = createDvae({ ...small, hiddenDim: 64 }).init(createRandom(1));
    const { data } = host['encoder.blocks.input.w']!;
    const squares = Array.from(data, (x) => x * x);
    const spread = Math.sqrt(squares.reduce((sum, x) => sum + x, 0) / data.length);
    expect(spread * Math.sqrt(3 * 49)).toBeCloseTo(1, 1);
    expect(new Set(host['encoder.blocks.input.b']!.data)).toEqual(new Set([0]));
    expect(dvae.init(createRandom(1))).toEqual(dvae.init(createRandom(1)));
    expect(dvae.init(createRandom(1))).not.toEqual(dvae.init(createRandom(2)));
  });

  test('images to a grid of tokens and back, not only squares', () => {
    const params = make(1);
    expect(dvae.downsampling).toBe(2);
    expect(dvae.encode(params, images()).shape).toEqual([2, 4, 6, 16]);
    const tokens = dvae.tokenize(params, images());
    expect([tokens.shape, tokens.dtype]).toEqual([[2, 24], 'int32']);
    const decoded = dvae.decodeTokens(params, tokens, [4, 6]);
    expect(decoded.shape).toEqual([2, 8, 12, 3]);
    expect(decoded.min().dataSync()[0]).toBeGreaterThanOrEqual(0);
    expect(decoded.max().dataSync()[0]).toBeLessThanOrEqual(1);
  });

  test('tokens are the largest logits, row by row; decoding them equals decoding one-hot vectors', () => {
    const params = make(2);
    const tokens = dvae.tokenize(params, images());
    const logits = dvae.encode(params, images()).arraySync();
    const flat = logits.flat(2).map((row) => row.indexOf(Math.max(...row)));
    expect([...tokens.dataSync()]).toEqual(flat);
    const oneHot = tf.cast(tf.reshape(tf.oneHot(tf.reshape(tokens, [48]), 16), [2, 4, 6, 16]), 'float32');
    const expected = unmapPixels(tf.sigmoid(dvae.decode(params, oneHot).mu));
    const difference = tf.max(tf.abs(tf.sub(dvae.decodeTokens(params, tokens, [4, 6]), expected)));
    expect(difference.dataSync()[0]).toBeLessThan(1e-6);
  });

  test('the encoder works without the decoder', () => {
    const encoder = Object.fromEntries(
      Object.entries(make(1)).filter(([name]) => name.startsWith('encoder.')),
    );
    expect(dvae.tokenize(encoder, images()).shape).toEqual([2, 24]);
  });

  test('wrong shapes are errors that say what is expected', () => {
    const params = make(1);
    const expected = /images|multiples of 2/i;
    expect(() => dvae.encode(params, tf.zeros([1, 7, 8, 3]))).toThrow(/multiples of 2/);
    expect(() => dvae.encode(params, tf.zeros([1, 8, 8, 4]))).toThrow(expected);
    expect(() => dvae.encode(params, tf.zeros([8, 8, 3]))).toThrow(expected);
    expect(() => dvae.decode(params, tf.zeros([1, 4, 4, 17]))).toThrow(/tokens/);
    expect(() => dvae.decodeTokens(params, tf.zeros([1, 15], 'int32'), [4, 4])).toThrow(/tokens/);
  });
});
