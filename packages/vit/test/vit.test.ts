import { gatherPositions } from '@beit/nn';
import { createRandom } from '@beit/random';
import * as tf from '@tensorflow/tfjs';
import {
  BEIT_BASE_PATCH16_224,
  BEIT_BASE_PATCH16_384,
  BEIT_LARGE_PATCH16_224,
  BEIT_LARGE_PATCH16_384,
  BEIT_LARGE_PATCH16_512,
  createVit,
  drawDropPathKeeps,
  RELEASED_FINETUNE,
  RELEASED_PRETRAIN,
  relativePositionIndex,
  type VitConfig,
} from '../src';

tf.enableProdMode();
tf.setBackend('cpu');

const TINY = {
  imageSize: 16,
  patchSize: 4,
  embedDim: 12,
  depth: 3,
  numHeads: 3,
} as const satisfies VitConfig;
const count = (config: VitConfig) =>
  Object.values(createVit(config).parameterShapes()).reduce(
    (sum, shape) => sum + shape.reduce((a, b) => a * b, 1),
    0,
  );
const tensors = (vit: ReturnType<typeof createVit>) =>
  Object.fromEntries(
    Object.entries(vit.init(createRandom(1))).map(([name, t]) => [name, tf.tensor(t.data, [...t.shape])]),
  );

describe('parameter counts are those of the released models', () => {
  // A classifier adds fc_norm and a head of 1,000 classes.
  test.each<[string, VitConfig, number]>([
    ['base 224', BEIT_BASE_PATCH16_224, 86_530_984],
    ['base 384', BEIT_BASE_PATCH16_384, 86_744_104],
    ['large 224', BEIT_LARGE_PATCH16_224, 304_430_568],
    ['large 384', BEIT_LARGE_PATCH16_384, 304_998_888],
    ['large 512', BEIT_LARGE_PATCH16_512, 305_674_728],
  ])('classifier, %s', (_name, config, expected) => {
    const head = 2 * config.embedDim + 1000 * config.embedDim + 1000;
    expect(count({ ...config, ...RELEASED_FINETUNE }) + head).toBe(expected);
  });
  // Pre-training adds mask_token, norm and lm_head.
  test.each<[string, VitConfig, number]>([
    ['base, released', { ...BEIT_BASE_PATCH16_224, ...RELEASED_PRETRAIN }, 91_965_776],
    ['base, as in the paper', BEIT_BASE_PATCH16_224, 92_089_856],
    ['large, released', { ...BEIT_LARGE_PATCH16_224, ...RELEASED_PRETRAIN }, 311_534_016],
  ])('pre-training, %s', (_name, config, expected) => {
    expect(count(config) + 3 * config.embedDim + 8192 * (config.embedDim + 1)).toBe(expected);
  });
});

test('the relative position index of a 2x2 grid', () => {
  const index = relativePositionIndex([2, 2]);
  const rows = Array.from({ length: 5 }, (_, i) => Array.from(index.subarray(5 * i, 5 * i + 5)));
  expect(rows).toEqual([
    [11, 9, 9, 9, 9],
    [10, 4, 3, 1, 0],
    [10, 5, 4, 2, 1],
    [10, 7, 6, 4, 3],
    [10, 8, 7, 5, 4],
  ]);
});

describe('initial parameters', () => {
  const deviation = (data: ArrayLike<number>) =>
    Math.sqrt(Array.from(data).reduce((sum, x) => sum + x * x, 0) / data.length);
  const params = createVit({ ...TINY, embedDim: 96, layerScaleInit: 0.1 }).init(createRandom(0));
  test('weights are cut off at one standard deviation', () => {
    const weight = params['blocks.0.mlp.fc1.weight']!.data;
    expect(Math.max(...Array.from(weight, Math.abs))).toBeLessThanOrEqual(0.02);
    expect(deviation(weight)).toBeCloseTo(0.0108, 3);
  });
  test('the outputs of block l are divided by the root of 2 l', () => {
    const first = deviation(params['blocks.0.attn.proj.weight']!.data);
    const third = deviation(params['blocks.2.attn.proj.weight']!.data);
    expect(deviation(params['blocks.0.mlp.fc1.weight']!.data) / first).toBeCloseTo(Math.sqrt(2), 1);
    expect(first / third).toBeCloseTo(Math.sqrt(3), 1);
  });
  test('norms are 1, biases 0, layer scales as asked', () => {
    expect(new Set(params['blocks.1.norm1.weight']!.data)).toEqual(new Set([1]));
    expect(new Set(params['blocks.1.attn.q_bias']!.data)).toEqual(new Set([0]));
    expect(params['blocks.1.gamma_1']!.data[0]).toBeCloseTo(0.1, 6);
  });
  test('the same seed gives the same parameters', () => {
    const again = createVit({ ...TINY, embedDim: 96, layerScaleInit: 0.1 }).init(createRandom(0));
    expect(again.pos_embed!.data).toEqual(params.pos_embed!.data);
  });
});

describe('encode', () => {
  const run = (config: VitConfig, keeps?: tf.Tensor) => {
    const vit = createVit(config);
    const params = tensors(vit);
    const images = tf.randomNormal([2, 16, 16, 3], 0, 1, 'float32', 7);
    const options = { dropPathKeeps: keeps, withAttention: true };
    return vit.encode(params, vit.embedPatches(params, images), options);
  };
  test('gives features, hidden states and attention of every block', () => {
    const { features, hidden, attention } = run(TINY);
    expect(features.shape).toEqual([2, 17, 12]);
    expect(hidden).toHaveLength(4);
    expect(attention.map((a) => a.shape)).toEqual(Array(3).fill([2, 3, 17, 17]));
    for (const sum of attention[1]!.sum(-1).dataSync()) expect(sum).toBeCloseTo(1, 5);
  });
  test('a dropped image passes a block unchanged; kept ones are scaled up', () => {
    const vit = createVit({ ...TINY, dropPathRate: 0.5 });
    const keeps = tf.tensor([1, 1, 1, 1, 1, 1, 1, 1, 0, 1, 0, 1], [3, 2, 2]);
    const { hidden } = run(vit.config, keeps);
    const difference = tf.sub(hidden[3]!, hidden[2]!).abs().max([1, 2]).dataSync();
    expect(difference[0]).toBe(0);
    expect(difference[1]).toBeGreaterThan(0);
  });
  test('keeping everything at rate 0 is the same as no drop path', () => {
    const a = run(TINY, tf.ones([3, 2, 2])).features;
    expect(tf.sub(a, run(TINY).features).abs().max().dataSync()[0]).toBe(0);
  });
  test('keeps are drawn by rate', () => {
    const { data, shape } = drawDropPathKeeps(
      createVit({ ...TINY, dropPathRate: 0.4 }).config,
      2000,
      createRandom(1),
    );
    expect(shape).toEqual([3, 2, 2000]);
    const mean = (block: number) =>
      (data as Float32Array).subarray(block * 4000, (block + 1) * 4000).reduce((a, b) => a + b, 0) / 4000;
    expect(mean(0)).toBe(1);
    expect(mean(1)).toBeCloseTo(0.8, 1);
    expect(mean(2)).toBeCloseTo(0.6, 1);
  });
  test.each<[string, Partial<VitConfig>]>([
    ['absolute positions', {}],
    ['a shared relative position bias', RELEASED_PRETRAIN],
    ['a bias per block', RELEASED_FINETUNE],
    ['a single block', { depth: 1 }],
  ])('some positions are those rows of all, and have the same gradients: %s', (_name, change) => {
    const vit = createVit({ ...TINY, ...change, dropPathRate: 0.5 });
    const { depth } = vit.config;
    const random = createRandom(5);
    // Drawn anew: initial biases are zero and would hide a row taken from the wrong place.
    const params = Object.fromEntries(
      Object.entries(vit.parameterShapes()).map(([name, shape]) => [
        name,
        tf.mul(tf.randomNormal(shape, 0, 1, 'float32', random.integer(1, 1e6)), 0.3),
      ]),
    );
    const names = Object.keys(params);
    const images = tf.randomNormal([2, 16, 16, 3], 0, 1, 'float32', 3);
    const positions = tf.tensor2d([3, 0, 15, 9, 9, 4], [2, 3], 'int32'); // a padded list repeats
    const weights = tf.randomNormal([2, 3, 12], 0, 1, 'float32', 4);
    const keeps = tf.tensor(
      Array.from({ length: depth * 4 }, (_, i) => (i === 3 ? 0 : 1)),
      [depth, 2, 2],
    );
    const lossAndGradients = (features: (patches: tf.Tensor, p: typeof params) => tf.Tensor) => {
      const { value, grads } = tf.valueAndGrads((...given) => {
        const p = Object.fromEntries(given.map((t, i) => [names[i]!, t]));
        return tf.sum(tf.mul(features(vit.embedPatches(p, images), p), weights));
      })(Object.values(params));
      return [value, ...grads];
    };
    const all = lossAndGradients((patches, p) => {
      const { features } = vit.encode(p, patches, { dropPathKeeps: keeps });
      return gatherPositions(tf.slice(features, [0, 1, 0], [-1, -1, -1]), positions);
    });
    const some = lossAndGradients((patches, p) => {
      const encoded = vit.encode(p, patches, { dropPathKeeps: keeps, positions, withAttention: true });
      expect(encoded.attention.at(-1)!.shape).toEqual([2, 3, 3, 17]);
      return encoded.features;
    });
    const largest = (x: tf.Tensor) => tf.max(tf.abs(x)).dataSync()[0]!;
    const errors = some.map((x, i) => largest(tf.sub(x, all[i]!)) / Math.max(1, largest(all[i]!)));
    const wrong = ['loss', ...names].filter((_, i) => !(errors[i]! <= 1e-5));
    expect(wrong).toEqual([]);
  });
  test('images of another size are refused', () => {
    const vit = createVit(TINY);
    expect(() => vit.embedPatches(tensors(vit), tf.zeros([1, 20, 20, 3]))).toThrow(
      'The images: got [1, 20, 20, 3]; expected [any, 16, 16, 3]',
    );
  });
});

test.each<[Partial<VitConfig>, string]>([
  [{ patchSize: 5 }, 'imageSize (16) must be a multiple of patchSize (5)'],
  [{ imageSize: [16, 18] }, 'imageSize ([16,18]) must be a multiple of patchSize (4)'],
  [{ imageSize: [16, 0] }, 'imageSize[1] is 0; expected an integer from 1 to 16384'],
  [{ numHeads: 5 }, 'embedDim (12) must be a multiple of numHeads (5)'],
  [{ depth: 0 }, 'depth is 0; expected an integer from 1 to 1024'],
  [{ dropPathRate: 1 }, 'dropPathRate is 1'],
])('%j is an error', (change, message) => {
  expect(() => createVit({ ...TINY, ...change })).toThrow(message);
});
