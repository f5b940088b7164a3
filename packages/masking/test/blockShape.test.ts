import { createRandom } from '@beit/random';
import fc from 'fast-check';
import { type BlockLimits, between, roundHalfEven, someBlockFits } from '../src/blockShape';

function limits(overrides: Partial<BlockLimits>): BlockLimits {
  const base = { minArea: 16, maxArea: 75, minAspect: 0.3, maxAspect: 1 / 0.3, maxHeight: 13, maxWidth: 13 };
  const { minAspect, maxAspect } = { ...base, ...overrides };
  const logs = { minLogAspect: Math.log(minAspect), maxLogAspect: Math.log(maxAspect) };
  return { ...base, ...logs, maxCells: overrides.maxArea ?? base.maxArea, ...overrides };
}

test('a half is rounded to the even neighbour, as by Python', () => {
  expect([0, 0.5, 1.5, 2.5, 3.5, 2.4, 2.6, 1.4999].map(roundHalfEven)).toEqual([0, 0, 2, 2, 4, 2, 3, 1]);
});

describe('someBlockFits', () => {
  test('never denies a block that a draw finds', () => {
    const random = createRandom('fits');
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.integer({ min: 0, max: 20 }),
        fc.double({ min: 0.05, max: 8, noNaN: true }),
        fc.double({ min: 1, max: 4, noNaN: true }),
        fc.integer({ min: 0, max: 8 }),
        fc.integer({ min: 0, max: 8 }),
        (minArea, extraArea, minAspect, widen, maxHeight, maxWidth) => {
          const maxArea = minArea + extraArea;
          const maxAspect = minAspect * widen;
          const given = limits({ minArea, maxArea, minAspect, maxAspect, maxHeight, maxWidth });
          const found = Array.from({ length: 300 }).some(() => {
            const area = between(random, minArea, maxArea);
            const aspect = Math.exp(between(random, given.minLogAspect, given.maxLogAspect));
            const height = roundHalfEven(Math.sqrt(area * aspect));
            const width = roundHalfEven(Math.sqrt(area / aspect));
            const cells = height * width;
            return cells > 0 && cells <= maxArea && height <= maxHeight && width <= maxWidth;
          });
          expect(found && !someBlockFits(given)).toBe(false);
        },
      ),
      { seed: 1, numRuns: 500 },
    );
  });

  test.each<[string, boolean, Partial<BlockLimits>]>([
    ['the defaults', true, {}],
    ['a grid of one row', false, { maxHeight: 0 }],
    ['blocks that are too large', false, { minArea: 64, maxHeight: 7, maxWidth: 7 }],
    ['sides of at most 7.5, rounded to 7', true, { minArea: 50, maxHeight: 7, maxWidth: 7 }],
    ['low blocks in a narrow grid', false, { minArea: 16, maxArea: 16, maxAspect: 0.5, maxWidth: 5 }],
    [
      'rounding above the largest number of cells',
      false,
      { minArea: 7, maxArea: 7, minAspect: 1, maxAspect: 1 },
    ],
    ['an exact square', true, { minArea: 9, maxArea: 9, minAspect: 1, maxAspect: 1 }],
  ])('%s', (_, fits, given) => {
    expect(someBlockFits(limits(given))).toBe(fits);
  });
});
