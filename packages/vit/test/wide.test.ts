/** Images that are no squares: models made for squares, resized, against timm and transformers; and wide ones as such. */
import { createRandom } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import { fromTimm, loadSafetensors, withoutPrefix } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { gradientError, numbers } from '../../nn/test/checkGradient';
import {
  createVit,
  inferVitConfig,
  parameterShapes,
  RESIZING,
  type ResizeOptions,
  resizeParams,
  resolveVitConfig,
  type Vit,
  type VitConfig,
} from '../src';

type Params = Record<string, tf.Tensor>;
type Grid = readonly [rows: number, columns: number];

const PATCH = 2;
const imageSize = ([rows, columns]: Grid) => [rows * PATCH, columns * PATCH] as const;
const toTensors = (params: NamedTensors): Params =>
  Object.fromEntries(Object.entries(params).map(([name, t]) => [name, tf.tensor(t.data, [...t.shape])]));
const features = (vit: Vit, params: Params, images: tf.Tensor) =>
  vit.encode(params, vit.embedPatches(params, images)).features;
/** The largest difference, relative to the largest number. */
const error = (actual: tf.Tensor, expected: tf.Tensor) => {
  expect(actual.shape).toEqual(expected.shape);
  const largest = (x: tf.Tensor) => tf.max(tf.abs(x)).dataSync()[0]!;
  return largest(tf.sub(actual, expected)) / Math.max(1, largest(expected));
};

const PATHS: readonly [model: string, path: readonly Grid[]][] = [
  ['own', [[3, 6]]],
  ['own', [[5, 7]]],
  ['own', [[3, 6], [5, 4]]], // biome-ignore format: one line a case
  ['shared', [[3, 6]]],
  ['shared', [[5, 7]]],
];

describe.each(PATHS)('a model of 4x4 patches with %s biases at %j', (kind, path) => {
  const at = `${kind}/${path.map((grid) => grid.join('x')).join(',')}/`;

  async function resized(options: ResizeOptions) {
    const { tensors } = await loadSafetensors(`${__dirname}/fixtures/wide.safetensors`);
    const under = (prefix: string) => withoutPrefix(tensors, prefix);
    let params: NamedTensors = fromTimm(under(`${kind}/state/`));
    let config = inferVitConfig(params, { numHeads: 2 });
    expect(config.imageSize).toBe(8);
    for (const grid of path) {
      const next = { ...config, imageSize: imageSize(grid) };
      params = resizeParams(params, config, next, options);
      config = next;
    }
    return { vit: createVit(config), params: toTensors(params), under };
  }

  test("features and gradients of all parameters are timm's", async () => {
    const { vit, params, under } = await resized(RESIZING.timm);
    const { images, features: expected } = toTensors(under(at)) as { images: tf.Tensor; features: tf.Tensor };
    expect(error(features(vit, params, images), expected)).toBeLessThan(1e-5);
    const names = Object.keys(vit.parameterShapes());
    const out = tf.cos(tf.range(0, expected.size)).reshape(expected.shape);
    const gradients = tf.grads((...values: tf.Tensor[]) => {
      const own = Object.fromEntries(names.map((name, i) => [name, values[i]!]));
      return tf.sum(tf.mul(features(vit, own, images), out));
    })(names.map((name) => params[name]!));
    const reference = toTensors(fromTimm(under(`${at}gradient/`)));
    expect(names.filter((name, i) => !(error(gradients[i]!, reference[name]!) < 1e-5))).toEqual([]);
  });

  if (path.length > 1) return; // transformers resizes at each run, from what is stored
  test("or the features are transformers'", async () => {
    const { vit, params, under } = await resized(RESIZING.transformers);
    const { images, transformers } = toTensors(under(at)) as { images: tf.Tensor; transformers: tf.Tensor };
    expect(error(features(vit, params, images), transformers)).toBeLessThan(1e-5);
  });
});

const count = fc.integer({ min: 1, max: 9 });
const flags = fc.record({
  useAbsPosEmb: fc.boolean(),
  useRelPosBias: fc.boolean(),
  useSharedRelPosBias: fc.boolean(),
});
const SMALL = { patchSize: PATCH, embedDim: 8, depth: 1, numHeads: 2 };

test('the architecture comes back from shapes and a size; without it a square that fits, or an error that asks for it', () => {
  fc.assert(
    fc.property(count, count, flags, (rows, columns, given) => {
      const size = imageSize([rows, columns]);
      const config = resolveVitConfig({ ...SMALL, ...given, imageSize: size });
      const shapes = parameterShapes(config);
      const tensors = Object.fromEntries(Object.entries(shapes).map(([name, shape]) => [name, { shape }]));
      expect(resolveVitConfig(inferVitConfig(tensors, { numHeads: 2, imageSize: size }))).toEqual(config);
      let inferred: VitConfig | undefined;
      try {
        inferred = inferVitConfig(tensors, { numHeads: 2 });
      } catch (error) {
        expect(String(error)).toMatch(/give imageSize|imageSize has to be given/);
      }
      if (inferred) expect(parameterShapes(resolveVitConfig(inferred))).toEqual(shapes);
      if (rows === columns && Object.values(given).includes(true)) expect(inferred?.imageSize).toBe(size[0]);
      // Tokens and a table together are those of one grid, on its side at most.
      if (rows !== columns && given.useAbsPosEmb && (given.useRelPosBias || given.useSharedRelPosBias))
        expect(inferred).toBeUndefined();
    }),
    { seed: 1, numRuns: 200 },
  );
});

test('a size that the positions contradict is refused', () => {
  const shapes = parameterShapes(resolveVitConfig({ ...SMALL, imageSize: [10, 26], useRelPosBias: true }));
  const { pos_embed, ...rest } = Object.fromEntries(
    Object.entries(shapes).map(([name, shape]) => [name, { shape }]),
  );
  // 9 * 25 offsets are as many as 15 * 15: the table alone is also that of a square.
  expect(inferVitConfig(rest).imageSize).toBe(16);
  expect(inferVitConfig(rest, { imageSize: [10, 26] }).imageSize).toEqual([10, 26]);
  expect(() => inferVitConfig({ ...rest, pos_embed: pos_embed! })).toThrow(
    '66 tokens, 228 rows of a table) are not those of a square grid of patches and a cls token: of pictures that are no squares imageSize has to be given',
  );
  expect(() => inferVitConfig(rest, { imageSize: [10, 24] })).toThrow(
    '228 rows of a table, imageSize [10,24]) are not those of patches of 2 pixels',
  );
});

test.each<[string, Partial<VitConfig>]>([
  ['absolute positions', {}],
  ['a bias per block', { useRelPosBias: true, useAbsPosEmb: false }],
  ['a shared bias', { useSharedRelPosBias: true, layerScaleInit: 0.5 }],
])('gradients of a wide model with %s are those of finite differences', (_, change) => {
  const vit = createVit({ ...SMALL, ...change, imageSize: [4, 10] });
  const shapes = Object.entries(vit.parameterShapes());
  const images = numbers([2, 4, 10, 3], 1);
  const drawn = shapes.map(([, shape], i) => numbers([...shape], 2 + i, 0.5));
  const difference = gradientError(
    (seen, ...values) => {
      const params = Object.fromEntries(shapes.map(([name], i) => [name, values[i]!]));
      return features(vit, params, seen!);
    },
    [images, ...drawn],
  );
  expect(difference).toBeLessThan(5e-3);
});

test('a changed pixel changes the embedding of its own patch alone', () => {
  const vit = createVit({ ...SMALL, imageSize: [4, 6] });
  const params = toTensors(vit.init(createRandom(1)));
  const images = tf.buffer([1, 4, 6, 3]);
  const before = vit.embedPatches(params, images.toTensor());
  images.set(5, 0, 1, 4, 2); // the first row of patches, its third
  const moved = tf
    .max(tf.abs(tf.sub(vit.embedPatches(params, images.toTensor()), before)), [0, 2])
    .dataSync();
  expect(Array.from(moved, (x) => x > 0)).toEqual([false, false, true, false, false, false]);
  expect(() => vit.embedPatches(params, tf.zeros([1, 6, 4, 3]))).toThrow(
    'The images: got [1, 6, 4, 3]; expected [any, 4, 6, 3]',
  );
});
