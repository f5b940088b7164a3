import { createRandom } from '@beit/random';
import { createVit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { createMim, type FillInState, fillInRound, maskedAfter } from '../src';

tf.enableProdMode();
beforeAll(() => tf.setBackend('cpu'));

const GRID = 3;
const PATCHES = GRID * GRID;
const SIDE = 2;

/** Of each patch the token `k % 3`, with the certainty that is given; a token's picture has its number in all pixels. */
const model = (certainty: readonly number[]) => ({
  logits: () =>
    tf.tensor3d([
      Array.from({ length: PATCHES }, (_, k) =>
        [0, 1, 2].map((token) => (token === k % 3 ? certainty[k]! : 0)),
      ),
    ]),
  pictures: (tokens: tf.Tensor) => {
    const grid = tf.reshape(tf.cast(tokens, 'float32'), [1, GRID, 1, GRID, 1, 1]);
    return tf.reshape(tf.tile(grid, [1, 1, SIDE, 1, SIDE, 1]), [1, GRID * SIDE, GRID * SIDE, 1]);
  },
  patchSize: SIDE,
});
const stateOf = (mask: readonly number[]): FillInState => ({
  images: tf.fill([1, GRID * SIDE, GRID * SIDE, 1], 9),
  tokens: tf.fill([1, PATCHES], 7, 'int32'),
  mask: tf.tensor2d([[...mask]]),
});
const numbers = (tensor: tf.Tensor) => Array.from(tensor.dataSync());
/** The first pixel of each patch. */
const patchesOf = (images: tf.Tensor) =>
  numbers(tf.stridedSlice(images, [0, 0, 0, 0], [1, GRID * SIDE, GRID * SIDE, 1], [1, SIDE, SIDE, 1]));

test('the most certain of the masked patches are taken, and seen from then on', () => {
  const mask = [1, 1, 1, 1, 0, 0, 0, 0, 1];
  const after = fillInRound(model([5, 1, 3, 1, 9, 9, 9, 9, 4]), stateOf(mask), tf.tensor1d([2], 'int32'));
  expect(numbers(after.mask)).toEqual([0, 1, 0, 1, 0, 0, 0, 0, 0]);
  // What is visible keeps its token, what is masked has the likeliest one.
  expect(numbers(after.tokens)).toEqual([0, 1, 2, 0, 7, 7, 7, 7, 2]);
  expect(patchesOf(after.images)).toEqual([0, 9, 2, 9, 9, 9, 9, 9, 2]);
  expect(numbers(after.probability)[0]).toBeCloseTo(Math.exp(5) / (Math.exp(5) + 2), 5);
});

test('so many stay masked as are asked for, whatever the certainties, and in the last round none', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: PATCHES, maxLength: PATCHES }),
      fc.array(fc.integer({ min: 0, max: 1 }), { minLength: PATCHES, maxLength: PATCHES }),
      fc.integer({ min: 0, max: PATCHES }),
      (certainty, mask, remaining) => {
        const after = numbers(
          fillInRound(model(certainty), stateOf(mask), tf.tensor1d([remaining], 'int32')).mask,
        );
        const masked = mask.reduce((sum, m) => sum + m, 0);
        expect(after.reduce((sum, m) => sum + m, 0)).toBe(Math.min(remaining, masked));
        for (const [k, m] of after.entries()) expect(m).toBeLessThanOrEqual(mask[k]!);
      },
    ),
    { numRuns: 50 },
  );
});

test('with one round it is what is filled in at once', () => {
  const backbone = createVit({ imageSize: 12, patchSize: 4, embedDim: 8, depth: 1, numHeads: 2 });
  const mim = createMim({ backbone, vocabSize: 5 });
  const params = Object.fromEntries(
    Object.entries(mim.init(createRandom(0))).map(([name, t]) => [name, tf.tensor(t.data, [...t.shape])]),
  );
  const images = tf.randomUniform([2, 12, 12, 3], -1, 1, 'float32', 3);
  const mask = tf.tensor2d([
    [1, 0, 1, 1, 0, 0, 1, 0, 1],
    [0, 0, 1, 0, 0, 0, 0, 0, 1],
  ]);
  const tokens = tf.zeros([2, 9], 'int32');
  const logits = (images: tf.Tensor, mask: tf.Tensor) => mim.logits(params, images, mask);
  const pictures = () => tf.zeros([2, 12, 12, 3]);
  const once = fillInRound(
    { logits, pictures, patchSize: 4 },
    { images, tokens, mask },
    tf.zeros([2], 'int32'),
  );
  const expected = tf.where(tf.greater(mask, 0), tf.argMax(logits(images, mask), 2), tokens);
  expect(numbers(once.tokens)).toEqual(numbers(expected));
  expect(numbers(once.mask)).toEqual(Array(18).fill(0));
});

test('the cosine takes few at first, all in the end', () => {
  expect(maskedAfter(26, 8)).toEqual([25, 24, 21, 18, 14, 9, 5, 0]);
  expect(maskedAfter(26, 1)).toEqual([0]);
  expect(maskedAfter(0, 3)).toEqual([0, 0, 0]);
  expect(() => maskedAfter(-1, 3)).toThrow(RangeError);
  expect(() => maskedAfter(3, 0)).toThrow('masked is 3 and rounds 0; expected whole numbers');
});
