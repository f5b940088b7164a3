import { codebookUsage, psnr } from '../src/index';

test('one token alone, and all alike', () => {
  const alone = codebookUsage([2, 2, 2], 4);
  expect([...alone.counts]).toEqual([0, 0, 3, 0]);
  expect(alone).toMatchObject({ used: 1, perplexity: 1, mostFrequent: 1 });
  const alike = codebookUsage([0, 1, 2, 3, 3, 2, 1, 0], 4);
  expect(alike).toMatchObject({ used: 4, mostFrequent: 0.25 });
  expect(alike.perplexity).toBeCloseTo(4, 12);
});

test('a skewed use: the exponential of its entropy', () => {
  const { perplexity, used } = codebookUsage(Int32Array.of(0, 0, 0, 5), 8);
  expect(perplexity).toBeCloseTo(Math.exp(-0.75 * Math.log(0.75) - 0.25 * Math.log(0.25)), 12);
  expect(used).toBe(2);
});

test('no tokens use nothing; foreign ones are refused', () => {
  expect(codebookUsage([], 4)).toMatchObject({ used: 0, perplexity: 0, mostFrequent: 0 });
  expect(() => codebookUsage([4], 4)).toThrow('Token 4 is not in a vocabulary of 4.');
  expect(() => codebookUsage([-1], 4)).toThrow(RangeError);
});

test('psnr: 20 dB for errors of a tenth, infinite without', () => {
  const expected = Float32Array.of(0.5, 0.5, 0.5, 0.5);
  expect(psnr(Float32Array.of(0.6, 0.4, 0.6, 0.4), expected)).toBeCloseTo(20, 5);
  expect(psnr(expected, expected)).toBe(Number.POSITIVE_INFINITY);
});
