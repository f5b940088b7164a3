import { createMim } from '@beit/mim';
import { createRandom } from '@beit/random';
import { BEIT_BASE_PATCH16_224, createVit } from '@beit/vit';
import { pretrainShapes, stateBytes } from './stateBytes';

const MODEL = { imageSize: 32, patchSize: 16, embedDim: 32, depth: 3, numHeads: 2 };

test('the shapes are those of the model', () => {
  const params = createMim({ backbone: createVit(MODEL), vocabSize: 64 }).init(createRandom(0));
  const shapes = Object.entries(params).map(([name, { shape }]) => [name, { shape }]);
  expect(pretrainShapes(MODEL, 64)).toEqual(Object.fromEntries(shapes));
});

test('more processes hold less each', () => {
  const sharded = [2, 4, 8].map(
    (processes) => stateBytes(pretrainShapes(BEIT_BASE_PATCH16_224, 8192), processes).sharded,
  );
  expect(sharded).toEqual([...sharded].sort((a, b) => b - a));
});
