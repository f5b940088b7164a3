/** The recipes against the tables of the paper, of the released commands and of DeiT. */

import { layerRates, overlay } from '@beit/cli';
import { BEIT_ERASING, BEIT_RAND_AUGMENT } from '@beit/data';
import { createRandom } from '@beit/random';
import { createVit } from '@beit/vit';
import { takenSizes } from '../../../tooling/jest/takenSizes';
import { createModel } from '../src/model';
import { finetuneRecipe } from '../src/recipe';
import { RECIPES } from '../src/recipes';

const recipe = (name: string) => {
  const found = RECIPES.find((one) => one.name === name);
  if (!found) throw new Error(`There is no recipe '${name}'.`);
  return found;
};

const COLUMNS = [
  'epochs',
  'warmupEpochs',
  'batchSize',
  'learningRate',
  'layerDecay',
  'weightDecay',
  'dropPath',
  'mixup',
  'cutmix',
  'clipNorm',
  'imageSize',
  'repeats',
] as const;
const none = undefined;

// BEiT, table 13 and section 3.1; microsoft/unilm beit/README.md and get_started_for_image_classification.md;
// DeiT, table 9.
test.each<[string, ...(number | undefined)[]]>([
  ['beit-base-imagenet1k-finetune', 100, 20, 1024, 4e-3, 0.65, 0.05, 0.1, 0.8, 1, none, 224, 3],
  ['beit-base-imagenet1k-finetune-384', 10, 1, 1024, 2e-5, 0.85, 0.05, 0.1, 0.8, 1, none, 384, 3],
  ['beit-large-imagenet1k-finetune', 50, 5, 1024, 3e-3, 0.75, 0.05, 0.1, 0.8, 1, none, 224, 1],
  ['beit-large-imagenet1k-finetune-384', 10, 1, 1024, 2e-5, 0.9, 0.05, 0.1, 0.8, 1, none, 384, 1],
  ['beit-base-pt22k-imagenet1k-finetune', 100, 20, 1024, 4e-3, 0.65, 0.05, 0.1, 0.8, 1, none, 224, 1],
  ['beit-large-pt22k-imagenet1k-finetune', 50, 5, 1024, 1e-3, 0.75, 0.05, 0.2, 0.8, 1, none, 224, 1],
  ['beit-base-ft22k-imagenet1k-finetune', 30, 5, 512, 2e-5, 0.85, 1e-8, 0.1, none, none, none, 224, 1],
  ['beit-large-ft22k-imagenet1k-finetune', 30, 5, 512, 2e-5, 0.9, 1e-8, 0.4, none, none, none, 224, 1],
  ['beit-base-imagenet22k-finetune', 90, 5, 4096, 3e-3, 0.65, 0.05, 0.2, none, none, 3, 224, 1],
  ['beit-large-imagenet22k-finetune', 90, 5, 2048, 2e-3, 0.75, 0.05, 0.2, none, none, 1, 224, 1],
  ['deit-base-imagenet1k-scratch', 300, 5, 1024, 1e-3, 1, 0.05, 0.1, 0.8, 1, none, 224, 3],
])('%s', (name, ...wanted) => {
  const { model, mix, ...own } = recipe(name);
  const row = {
    ...own,
    dropPath: model.dropPathRate,
    mixup: mix?.mixupAlpha,
    cutmix: mix?.cutmixAlpha,
    imageSize: model.imageSize,
  };
  expect(Object.fromEntries(COLUMNS.map((column) => [column, row[column as keyof typeof row]]))).toEqual(
    Object.fromEntries(COLUMNS.map((column, i) => [column, wanted[i]])),
  );
  expect(own.labelSmoothing).toBe(0.1);
  expect(own.betas).toEqual([0.9, 0.999]);
  expect(own.views.augmentation.randAugment).toEqual(BEIT_RAND_AUGMENT);
  expect(own.views.augmentation.erasing).toEqual(BEIT_ERASING);
  expect(own.views.augmentation.crop.scale).toEqual([0.08, 1]);
  expect(own.views.cropShare).toBe(Number(model.imageSize) < 384 ? 224 / 256 : 1);
  expect(own.emaDecay).toBeUndefined();
  expect(own.batchSize % own.microBatchSize).toBe(0);
});

test('names are different, and all that need a checkpoint say so', () => {
  expect(new Set(RECIPES.map(({ name }) => name)).size).toBe(RECIPES.length);
  for (const { name, start } of RECIPES)
    expect(start).toBe(name.includes('scratch') ? 'scratch' : 'checkpoint');
});

test.each([
  ['layerDecay', { layerDecay: 0 }],
  ['views.cropShare', { views: { cropShare: 0 } }],
])('a recipe whose %s is 0 is refused before anything begins', (path, change) => {
  const { error } = finetuneRecipe.safeParse(overlay(recipe('emoji'), change));
  expect(error?.issues).toEqual([
    expect.objectContaining({ path: path.split('.'), message: 'expected a number above 0, at most 1' }),
  ]);
});

test('layer-wise decay: block 11 of the base model learns at 0.65 of the head, the patches at 0.65^13', () => {
  const base = recipe('beit-base-imagenet1k-finetune');
  const small = { ...base, model: { ...base.model, embedDim: 24, numHeads: 2 } };
  const params = createModel(small, 3).classifier.init(createRandom(0));
  const rates = layerRates({ ...small, depth: small.model.depth }, params);
  expect(rates.map(({ layer }) => layer)).toEqual([
    'patches, positions',
    ...Array.from({ length: 12 }, (_, i) => `block ${i}`),
    'norm, head',
  ]);
  rates.forEach(({ learningRate }, id) => {
    expect(learningRate).toBeCloseTo(4e-3 * 0.65 ** (13 - id), 12);
  });
  expect(rates.reduce((sum, { parameters }) => sum + parameters, 0)).toBe(
    Object.values(params).reduce((sum, { data }) => sum + data.length, 0),
  );
});

// The released models: counted by mmpretrain and by the reference code. The plain ones: DeiT-B's 86,567,656 and
// ViT-L/16's 304,326,632 without the biases of the keys.
test.each([
  ['beit-base-pt22k-imagenet1k-finetune', 86_530_984],
  ['beit-large-pt22k-imagenet1k-finetune', 304_430_568],
  ['beit-base-imagenet1k-finetune', 86_567_656 - 12 * 768],
  ['beit-large-imagenet1k-finetune', 304_326_632 - 24 * 1024],
  ['beit-base-imagenet1k-finetune-384', 86_567_656 - 12 * 768 + (576 - 196) * 768],
  ['deit-base-imagenet1k-scratch', 86_567_656 - 12 * 768],
])('%s has %d parameters with 1,000 classes', (name, parameters) => {
  const { model } = recipe(name);
  const encoder = Object.values(createVit(model).parameterShapes())
    .map((shape) => shape.reduce((a, b) => a * b, 1))
    .reduce((a, b) => a + b, 0);
  expect(encoder + 2 * model.embedDim + (model.embedDim + 1) * 1000).toBe(parameters);
});

test.each([1e9, 2 ** 53 - 1, 1e300, -1, null, '12'])('no size of a recipe may be %p', (value) => {
  for (const recipe of RECIPES) expect(takenSizes(finetuneRecipe, recipe, value)).toEqual([]);
});
