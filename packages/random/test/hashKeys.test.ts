import fc from 'fast-check';
import { hashKeys } from '../src/hashKeys';

const key = fc.oneof(
  fc.integer(),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0),
  fc.string(),
);
const tuple = fc.array(key, { minLength: 1, maxLength: 5 });

test('different tuples have different hashes', () => {
  fc.assert(
    fc.property(tuple, tuple, (left, right) => {
      const same = left.length === right.length && left.every((value, i) => Object.is(value, right[i]));
      expect(hashKeys(left).join() === hashKeys(right).join()).toBe(same);
    }),
    { seed: 1, numRuns: 500 },
  );
});

test('tuples that spell alike stay apart', () => {
  const lookalikes = [
    [1],
    ['1'],
    [1, 0],
    [0, 1],
    [1, 1],
    ['ab'],
    ['a', 'b'],
    [''],
    ['', ''],
    [2 ** 32],
    [1.5],
    [-1],
  ];
  expect(new Set(lookalikes.map((keys) => hashKeys(keys).join())).size).toBe(lookalikes.length);
});

test('one changed bit of a key changes half of the 128 bits, each of them about half of the time', () => {
  const samples = 4000;
  const flips = new Float64Array(128);
  let total = 0;
  for (let sample = 0; sample < samples; sample++) {
    const before = hashKeys([7, sample]);
    const after = hashKeys([7, sample ^ (1 << (sample % 31))]);
    for (let bit = 0; bit < 127; bit++) {
      // The lowest bit of the last word is always 1, so it is left out.
      const position = bit < 96 ? bit : bit + 1;
      const word = position >> 5;
      const flipped = ((before[word]! ^ after[word]!) >>> (position & 31)) & 1;
      flips[bit]! += flipped;
      total += flipped;
    }
  }
  const sigma = Math.sqrt(samples / 4);
  expect(Math.abs(total - (127 * samples) / 2)).toBeLessThan(4 * sigma * Math.sqrt(127));
  for (const count of flips.subarray(0, 127)) expect(Math.abs(count - samples / 2)).toBeLessThan(5 * sigma);
});

test('0 and -0 are the same key', () => {
  expect(hashKeys([-0])).toEqual(hashKeys([0]));
});

test('bad keys are refused', () => {
  expect(() => hashKeys([])).toThrow('needs at least one key');
  expect(() => hashKeys([Number.NaN])).toThrow('not NaN');
  expect(() => hashKeys([1, Number.POSITIVE_INFINITY])).toThrow('not Infinity');
  expect(() => hashKeys([undefined as unknown as number])).toThrow('not undefined');
});
