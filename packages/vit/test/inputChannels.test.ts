/** Images of other than three channels, against timm. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '@beit/random';
import type { HostTensor, NamedTensors } from '@beit/tensors';
import { fromTimm } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import {
  adaptInputChannels,
  createVit,
  inferVitConfig,
  resizeParams,
  transformersConfig,
  vitConfigOfTransformers,
} from '../src/index';

interface Array {
  readonly shape: readonly number[];
  readonly data: readonly number[];
}
const fixture: {
  readonly weight: Array;
  readonly adapted: Readonly<Record<string, Array>>;
  readonly state: Readonly<Record<string, Array>>;
  readonly images: Array;
  readonly features: Array;
  readonly out: Array;
  readonly gradients: Readonly<Record<string, Array>>;
} = JSON.parse(readFileSync(join(__dirname, 'fixtures/inputChannels.json'), 'utf8'));

const host = ({ shape, data }: Array): HostTensor => ({
  dtype: 'float32',
  shape: [...shape],
  data: Float32Array.from(data),
});
const tensor = ({ shape, data }: { shape: readonly number[]; data: ArrayLike<number> }) =>
  tf.tensor(Float32Array.from(data), [...shape]);
const expectClose = (actual: ArrayLike<number>, { data }: Array, digits = 5) => {
  expect(actual).toHaveLength(data.length);
  for (const [i, value] of data.entries()) expect(actual[i]).toBeCloseTo(value, digits);
};

test.each(Object.entries(fixture.adapted))("filters for %s channels are timm's", (channels, expected) => {
  const { shape, data } = adaptInputChannels(host(fixture.weight), Number(channels));
  expect(shape).toEqual(expected.shape);
  expectClose(data, expected, 6);
});

test('filters of other than three channels are not brought to others', () => {
  const gray = adaptInputChannels(host(fixture.weight), 1);
  expect(adaptInputChannels(gray, 1)).toBe(gray);
  expect(() => adaptInputChannels(gray, 4)).toThrow('Filters of 1 channels cannot be brought to 4');
});

test("features and gradients of images of two channels are timm's", () => {
  const state = Object.fromEntries(Object.entries(fixture.state).map(([name, array]) => [name, host(array)]));
  const own = fromTimm(state);
  const config = { ...inferVitConfig(own, { numHeads: 2 }), layerScaleInit: 0.5 };
  expect(config).toMatchObject({ inChannels: 2, imageSize: 8, patchSize: 4 });
  const vit = createVit(config);
  const params = Object.fromEntries(
    Object.keys(vit.parameterShapes()).map((name) => [name, tensor(own[name] as Array & HostTensor)]),
  );
  const images = tensor(fixture.images);
  const NAME = 'patch_embed.proj.weight';
  const features = (images: tf.Tensor, weight: tf.Tensor) => {
    const all = { ...params, [NAME]: weight };
    return vit.encode(all, vit.embedPatches(all, images)).features;
  };
  expectClose(features(images, params[NAME]!).dataSync(), fixture.features);
  const product = (images: tf.Tensor, weight: tf.Tensor) =>
    tf.sum(tf.mul(features(images, weight), tensor(fixture.out))) as tf.Scalar;
  const [ofImages, ofWeight] = tf.grads(product)([images, params[NAME]!]);
  expectClose(ofImages!.dataSync(), fixture.gradients.images!, 4);
  expectClose(ofWeight!.dataSync(), fixture.gradients[NAME]!, 4);
});

test('a model brought to one channel sees in gray what it saw in three equal colours', () => {
  const config = { imageSize: 16, patchSize: 4, embedDim: 12, depth: 1, numHeads: 2, useRelPosBias: true };
  const [color, gray] = [createVit(config), createVit({ ...config, imageSize: 24, inChannels: 1 })];
  const params = color.init(createRandom(3));
  const adapted = resizeParams(params, config, gray.config);
  const shapes = Object.fromEntries(Object.entries(adapted).map(([name, { shape }]) => [name, shape]));
  expect(shapes).toEqual(gray.parameterShapes());
  const same = createVit({ ...config, inChannels: 1 });
  const images = tf.randomUniform([2, 16, 16, 1], 0, 1, 'float32', 7);
  const run = (vit: typeof color, own: NamedTensors, input: tf.Tensor) => {
    const all = Object.fromEntries(
      Object.entries(own).map(([name, value]) => [name, tensor(value as Array & HostTensor)]),
    );
    return vit.embedPatches(all, input).dataSync();
  };
  const expected = run(color, params, tf.tile(images, [1, 1, 1, 3]));
  const actual = run(same, resizeParams(params, config, same.config), images);
  for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 5);
  expect(() => run(same, adapted, tf.zeros([1, 16, 16, 3]))).toThrow(/The images/);
});

test('transformers and a config say how many channels there are', () => {
  const config = { imageSize: 8, patchSize: 4, inChannels: 5, embedDim: 12, depth: 1, numHeads: 2 };
  const json = transformersConfig(config);
  expect(json.num_channels).toBe(5);
  expect(vitConfigOfTransformers(json).config.inChannels).toBe(5);
  expect(() => createVit({ ...config, inChannels: 0 })).toThrow(
    'inChannels is 0; expected a positive integer',
  );
});
