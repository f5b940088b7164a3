import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import { batchUsage, tokenCounts } from '../src/batchUsage';
import { codebookUsage } from '../src/codebookUsage';

beforeAll(() => tf.setBackend('cpu'));

const batches = fc.integer({ min: 2, max: 60 }).chain((vocabSize) =>
  fc.record({
    vocabSize: fc.constant(vocabSize),
    tokens: fc.array(fc.integer({ min: 0, max: vocabSize - 1 }), { minLength: 1, maxLength: 50 }),
  }),
);

test('counts every token in its place, for any size of vocabulary', () => {
  fc.assert(
    fc.property(batches, ({ vocabSize, tokens }) => {
      const counts = [...tokenCounts(tf.tensor1d(tokens, 'int32'), vocabSize).dataSync()];
      expect(counts.slice(0, vocabSize)).toEqual([...codebookUsage(tokens, vocabSize).counts]);
      expect(counts.slice(vocabSize).every((count) => count === 0)).toBe(true);
    }),
    { seed: 1 },
  );
});

test('agrees with what is counted on the host', () => {
  fc.assert(
    fc.property(batches, ({ vocabSize, tokens }) => {
      // Logits whose largest is that of the token.
      const logits = tf.reshape(tf.oneHot(tf.tensor1d(tokens, 'int32'), vocabSize, 3, -2, 'float32'), [
        1,
        1,
        tokens.length,
        vocabSize,
      ]);
      const measured = batchUsage(logits);
      const expected = codebookUsage(tokens, vocabSize);
      expect(measured.usedTokens.dataSync()[0]).toBe(expected.used);
      expect(measured.perplexity.dataSync()[0]! / expected.perplexity).toBeCloseTo(1, 4);
    }),
    { seed: 2 },
  );
});
