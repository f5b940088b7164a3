/** The recipes against the table of the paper and mmsegmentation's protocol. */

import { layerRates, overlay } from '@beit/cli';
import { createRandom } from '@beit/random';
import type { SegmenterHead } from '@beit/segmentation';
import { takenSizes } from '../../../tooling/jest/takenSizes';
import { createModel } from '../src/model';
import { segmentRecipe } from '../src/recipe';
import { RECIPES } from '../src/recipes';

const recipe = (name: string) => {
  const found = RECIPES.find((one) => one.name === name);
  if (!found) throw new Error(`There is no recipe '${name}'.`);
  return found;
};
const PAPER = recipe('beit-base-setr-pup-160k');

test('table 14 of the paper', () => {
  expect(PAPER).toMatchObject({
    steps: 160_000,
    warmupSteps: 1500,
    batchSize: 16,
    learningRate: 1e-3,
    layerDecay: 0.65,
    betas: [0.9, 0.999],
    weightDecay: 0.05,
    model: { imageSize: 512, patchSize: 16, embedDim: 768, depth: 12, numHeads: 12, dropPathRate: 0.1 },
    views: { scale: [2048, 512], ratio: [0.5, 2], categoryMaxRatio: 0.75, flip: 0.5, stride: 341 },
  });
  expect(PAPER.clipNorm).toBeUndefined();
  expect(PAPER.head).toMatchObject({
    kind: 'setr-pup',
    auxiliary: [{ block: 4 }, { block: 7 }, { block: 9 }, { block: 11 }],
  });
});

test('heads have the sizes of mmsegmentation, and every recipe is one', () => {
  const head: SegmenterHead = { kind: 'setr-pup', auxiliary: [{ block: 4 }] };
  const { segmenter } = createModel({ ...PAPER, head }, 150);
  const heads = Object.entries(segmenter.initHeads(createRandom(0)));
  const count = (prefix: string) =>
    heads
      .filter(([name]) => name.startsWith(prefix) && !name.includes('running'))
      .reduce((sum, [, { data }]) => sum + data.length, 0);
  // LayerNorm, one convolution from 768 and three from 256 to 256 channels with norms, 150 classes.
  expect(count('decode_head.')).toBe(2 * 768 + 9 * 256 * (768 + 3 * 256) + 4 * 512 + 150 * 257);
  expect(count('auxiliary_head.0.')).toBe(2 * 768 + 9 * 256 * (768 + 256) + 2 * 512 + 150 * 257);
  for (const one of RECIPES) expect(segmentRecipe.safeParse(one).success).toBe(true);
});

test('the released UPerNet', () => {
  const released = recipe('beit-base-upernet-640-160k');
  expect(released).toMatchObject({
    learningRate: 3e-5,
    layerDecay: 0.9,
    batchSize: 16,
    steps: 160_000,
    views: { scale: [2560, 640], stride: 426 },
    head: { kind: 'upernet', blocks: [3, 5, 7, 11], channels: 768, auxiliary: [{ block: 7 }] },
  });
  expect(recipe('beit-base-upernet-160k')).toMatchObject({ learningRate: 7e-4, layerDecay: 0.65 });
  expect(recipe('beit-large-upernet-640-160k')).toMatchObject({
    learningRate: 2e-5,
    layerDecay: 0.95,
    model: { dropPathRate: 0.2, layerScaleInit: 1e-6 },
  });
  // As wide as 24 channels: there are 76 million parameters in the heads of the whole one.
  const D = 24;
  const narrow = { ...released.model, embedDim: D, numHeads: 2 };
  const { segmenter } = createModel({ model: narrow, head: { ...released.head, channels: D } }, 150);
  const heads = Object.entries(segmenter.initHeads(createRandom(0)));
  const count = heads
    .filter(([name]) => !name.includes('running'))
    .reduce((sum, [, { data }]) => sum + data.length, 0);
  const up = D * D * 4 + D;
  const conv = (into: number, size: number) => into * D * size ** 2 + 2 * D;
  const pyramid = 3 * up + 2 * D;
  const decode =
    4 * conv(D, 1) + conv(5 * D, 3) + 3 * conv(D, 1) + 3 * conv(D, 3) + conv(4 * D, 3) + 150 * (D + 1);
  expect(count).toBe(pyramid + decode + 9 * D * 256 + 2 * 256 + 150 * 257);
});

test.each([
  { kind: 'setr-naive', channels: 256, auxiliary: [] },
  { kind: 'setr-mla', blocks: [2, 5, 8, 11], channels: 256, headChannels: 128 },
])('the paper with another head: $kind', (head) => {
  expect(segmentRecipe.parse(overlay(PAPER, { head })).head).toEqual(head);
});

test('layer-wise decay: heads learn at the full rate, the patches at 0.65^13', () => {
  const small = { ...PAPER, model: { ...PAPER.model, imageSize: 32, embedDim: 24, numHeads: 2 } };
  const params = createModel(small, 3).segmenter.init(createRandom(0));
  const { learningRate, layerDecay } = small;
  const rates = layerRates({ learningRate, layerDecay, depth: 12 }, params);
  expect(rates.length).toBe(14);
  expect(rates[0]!.learningRate).toBeCloseTo(1e-3 * 0.65 ** 13, 12);
  expect(rates[13]!.learningRate).toBe(1e-3);
});

test.each([
  ['microBatchSize', { microBatchSize: 3 }, 'a divisor of batchSize, which is 16'],
  ['warmupSteps', { warmupSteps: 160_001 }, 'at most steps'],
  ['views.stride', { views: { stride: 513 } }, 'at most model.imageSize'],
  ['head.numConvs', { head: { numConvs: 5 } }, 'so many doublings'],
  ['head.auxiliary', { head: { auxiliary: [{ block: 12 }] } }, 'blocks below model.depth'],
  [
    'head.blocks',
    { head: { kind: 'upernet', blocks: [3, 5, 7, 12], channels: 8, auxiliary: [] } },
    'blocks below model.depth',
  ],
  [
    'head.blocks',
    { head: { kind: 'setr-mla', blocks: [2, 5, 8, 12], channels: 8, headChannels: 4 } },
    'blocks below model.depth',
  ],
  [
    'model.patchSize',
    { head: { kind: 'setr-naive', channels: 8, auxiliary: [] }, model: { patchSize: 2 } },
    'a multiple of 4 pixels, with setr-naive',
  ],
])('%s that does not fit is refused', (path, change, message) => {
  const { error } = segmentRecipe.safeParse(overlay(PAPER, change));
  expect(error?.issues.map((issue) => issue.path.join('.'))).toEqual([path]);
  expect(error?.issues[0]?.message).toContain(message);
});

test.each([1e9, 2 ** 53 - 1, 1e300, -1, null, '12'])('no size of a recipe may be %p', (value) => {
  for (const recipe of RECIPES) expect(takenSizes(segmentRecipe, recipe, value)).toEqual([]);
});
