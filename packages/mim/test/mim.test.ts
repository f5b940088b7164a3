import type { Backbone } from '@beit/nn';
import { createRandom } from '@beit/random';
import type { NamedTensors } from '@beit/tensors';
import { createVit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import { completeTokens, createMim, elbo, pretrainLoss, toMask } from '../src';
import { toHost, trainingLosses } from './trainingLosses';

tf.enableProdMode();
tf.setBackend('cpu');

const VOCAB = 16;
const tiny = () =>
  createMim({
    backbone: createVit({ imageSize: 16, patchSize: 4, embedDim: 16, depth: 2, numHeads: 2 }),
    vocabSize: VOCAB,
  });
const toTensors = (params: NamedTensors) =>
  Object.fromEntries(
    Object.entries(params).map(([name, t]) => [name, tf.tensor(t.data, [...t.shape], t.dtype as 'float32')]),
  );
const images = tf.randomNormal([2, 16, 16, 3], 0, 1, 'float32', 3);
const tokens = (seed: number) => {
  const random = createRandom('tokens', seed);
  return tf.tensor2d(
    Int32Array.from({ length: 32 }, () => random.integer(0, VOCAB - 1)),
    [2, 16],
    'int32',
  );
};
const masked = {
  positions: tf.tensor2d(
    [
      [1, 5, 6, 0],
      [3, 8, 9, 15],
    ],
    [2, 4],
    'int32',
  ),
  weights: tf.tensor2d([
    [1, 1, 1, 0],
    [1, 1, 1, 1],
  ]),
};
const scalar = (t: tf.Tensor) => t.dataSync()[0]!;

describe('the loss', () => {
  const mim = tiny();
  const params = toTensors(mim.init(createRandom(1)));
  test('begins near ln(vocabSize)', () => {
    expect(scalar(mim.loss(params, images, tokens(1), masked).loss)).toBeCloseTo(Math.log(VOCAB), 1);
  });
  test('is the mean over the masked tokens of the batch, and over no others', () => {
    const mask = toMask(masked, 16);
    expect(Array.from(mask.sum(1).dataSync())).toEqual([3, 4]);
    const all = mim.logits(params, images, mask);
    const log = tf.logSoftmax(all);
    const picked = tf.sum(
      tf.mul(log, tf.oneHot(tokens(1).reshape([-1]) as tf.Tensor1D, VOCAB).reshape([2, 16, VOCAB])),
      2,
    );
    const expected = -scalar(tf.sum(tf.mul(picked, mask))) / 7;
    expect(scalar(mim.loss(params, images, tokens(1), masked).loss)).toBeCloseTo(expected, 5);

    const visibleChanged = tf.where(tf.greater(mask, 0), tokens(1), tokens(2)) as tf.Tensor2D;
    expect(scalar(mim.loss(params, images, visibleChanged, masked).loss)).toBe(
      scalar(mim.loss(params, images, tokens(1), masked).loss),
    );
  });
  test('does not see the pixels of masked patches', () => {
    // Patch 1 of image 0 is masked: rows 0 to 3, columns 4 to 7.
    const change = tf.buffer([2, 16, 16, 3]);
    for (let y = 0; y < 4; y++) for (let x = 4; x < 8; x++) change.set(5, 0, y, x, 0);
    const loss = (x: tf.Tensor) => scalar(mim.loss(params, x, tokens(1), masked).loss);
    expect(loss(tf.add(images, change.toTensor()))).toBe(loss(images));
  });
  test('of no masked patch is 0, not NaN', () => {
    const { loss, mimAccuracy } = mim.loss(params, images, tokens(1), {
      ...masked,
      weights: tf.zeros([2, 4]),
    });
    expect([scalar(loss), scalar(mimAccuracy)]).toEqual([0, 0]);
  });
  test('refuses tokens and masks of another grid', () => {
    expect(() => mim.loss(params, images, tf.zeros([2, 9], 'int32'), masked)).toThrow(
      'The visual tokens: got [2, 9]; expected [2, 16]',
    );
  });
});

test('any encoder with the grid, the width, embedPatches and encode will do', () => {
  const fake: Backbone<'features'> = {
    gridSize: [2, 2],
    embedDim: 4,
    init: () => ({ shift: { dtype: 'float32', shape: [4], data: new Float32Array(4) } }),
    embedPatches: (p, x) => tf.add(tf.reshape(tf.mean(x, [3]), [x.shape[0]!, 4, 4]), p.shift!),
    encode: (_p, embeddings) => ({
      features: tf.concat([tf.zeros([embeddings.shape[0]!, 1, 4]), embeddings], 1),
    }),
  };
  const mim = createMim({ backbone: fake, vocabSize: 3 });
  const params = toTensors(mim.init(createRandom(0)));
  const { loss } = mim.loss(params, tf.randomNormal([1, 4, 4, 3]), tf.zeros([1, 4], 'int32'), {
    positions: tf.tensor2d([[2]], [1, 1], 'int32'),
    weights: tf.ones([1, 1]),
  });
  expect(scalar(loss)).toBeCloseTo(Math.log(3), 1);
});

describe('the pre-training step', () => {
  const batch = {
    images: toHost(images),
    visualTokens: toHost(tokens(1)),
    masked: { positions: toHost(masked.positions), weights: toHost(masked.weights) },
  };
  const losses = (engine: 'tfjs' | 'onnxruntime', steps: number) => {
    const mim = tiny();
    return trainingLosses(pretrainLoss(mim), mim.init, batch, engine, steps);
  };
  test('is the same eager and compiled', async () => {
    const eager = await losses('tfjs', 3);
    const compiled = await losses('onnxruntime', 3);
    eager.forEach((loss, i) => {
      expect(compiled[i]).toBeCloseTo(loss, 4);
    });
  });
  test('learns two images by heart', async () => {
    const all = await losses('onnxruntime', 60);
    expect(all.at(-1)).toBeLessThan(0.1);
  });
});

describe('completed tokens', () => {
  const logits = tf.tensor3d([
    [
      [0, 3, 0],
      [0, 0, 3],
    ],
  ]);
  test('keep the visible ones and take the most likely of the others', () => {
    const result = completeTokens(logits, tf.tensor2d([[0, 0]], [1, 2], 'int32'), tf.tensor2d([[0, 1]]));
    expect(Array.from(result.dataSync())).toEqual([0, 2]);
  });
  test('are drawn with the right frequencies', () => {
    const random = createRandom('draws');
    const draws = 4000;
    const gumbel = tf.tensor3d(
      Float32Array.from({ length: draws * 3 }, () => random.gumbel()),
      [1, draws, 3],
    );
    const repeated = tf.tile(tf.tensor3d([[[0, 1, 2]]]), [1, draws, 1]);
    const drawn = completeTokens(repeated, tf.zeros([1, draws], 'int32'), tf.ones([1, draws]), {
      gumbel,
      temperature: tf.scalar(1),
    });
    const share = Array.from(drawn.dataSync()).filter((t) => t === 2).length / draws;
    expect(share).toBeCloseTo(Math.exp(2) / (1 + Math.E + Math.exp(2)), 1);
  });
});

test('the report of the variational bound adds up', () => {
  const terms = {
    reconstructionNll: 900,
    klToUniform: 100,
    argmaxReconstructionNll: 850,
    maskedTokenNll: 30,
    allTokensNll: 80,
    patches: 16,
    maskedPatches: 6,
    vocabSize: VOCAB,
    subpixels: 768,
  };
  const report = elbo(terms);
  expect(report.stage1).toBe(-1000);
  expect(report.stage2All).toBe(-930);
  expect(report.stage2Masked - report.visibleTokenNll).toBe(report.stage2All);
  expect(report.uniformMaskedNll).toBeCloseTo(6 * Math.log(VOCAB), 9);
  expect(report.stage1BitsPerSubpixel).toBeCloseTo(1000 / 768 / Math.LN2, 9);
});
