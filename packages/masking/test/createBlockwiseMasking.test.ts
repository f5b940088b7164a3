import { createRandom } from '@beit/random';
import fc from 'fast-check';
import {
  type BlockwiseMaskingOptions,
  createBlockwiseMasking,
  type StopRule,
} from '../src/createBlockwiseMasking';
import type { MaskGenerator } from '../src/maskGenerator';

const BEIT = { gridSize: 14, numMaskingPatches: 75 } as const;
const sum = (mask: Uint8Array) => mask.reduce((total, value) => total + value, 0);

function counts(options: BlockwiseMaskingOptions, samples: number): number[] {
  const { generate } = createBlockwiseMasking(options);
  const random = createRandom('counts');
  return Array.from({ length: samples }, () => sum(generate(random)));
}

describe('generate', () => {
  test('a pinned mask: a change here is a breaking change', () => {
    const mask = createBlockwiseMasking({ gridSize: [6, 8], maskRatio: 0.4, minNumPatches: 4 }).generate(7);
    const rows = Array.from({ length: 6 }, (_, row) => mask.subarray(8 * row, 8 * row + 8).join(''));
    expect(rows).toEqual(['00001111', '00001111', '00011111', '00011111', '00000100', '00000000']);
  });

  test('the same seed or stream gives the same mask, another seed another', () => {
    const { generate } = createBlockwiseMasking(BEIT);
    expect(generate(3)).toEqual(generate(3));
    expect(generate(3)).not.toEqual(generate(4));
    expect(generate(createRandom(1, 2))).toEqual(generate(createRandom(1, 2)));
  });

  test('generators do not disturb each other', () => {
    const [left, right] = [createBlockwiseMasking(BEIT), createBlockwiseMasking(BEIT)];
    const alone = left.generate(1);
    right.generate(2);
    expect(left.generate(1)).toEqual(alone);
  });

  test('Math.random will do', () => {
    const mask = createBlockwiseMasking(BEIT).generate({ uniform: Math.random });
    expect(sum(mask)).toBeGreaterThan(0);
    expect(sum(mask)).toBeLessThanOrEqual(75);
  });

  test.each<StopRule>(['official', 'exact', 'paper'])(
    '%s writes into an array that the caller gives',
    (stopRule) => {
      const { generate } = createBlockwiseMasking({ ...BEIT, stopRule });
      const batch = new Uint8Array(2 * 196).fill(9);
      const out = batch.subarray(196);
      expect(generate(5, out)).toBe(out);
      expect(out).toEqual(generate(5));
      expect(batch.subarray(0, 196)).toEqual(new Uint8Array(196).fill(9));
      expect(() => generate(5, batch)).toThrow('out has length 392; give a Uint8Array of length 196');
    },
  );
});

describe('stop rules', () => {
  test('official never masks more than asked and often fewer', () => {
    const found = counts(BEIT, 2000);
    expect(Math.max(...found)).toBe(75);
    expect(Math.min(...found)).toBeGreaterThan(55);
    // The specification's simulation: exactly 75 in 66.6 % of 20,000 masks; five standard deviations.
    const exact = found.filter((count) => count === 75).length / found.length;
    expect(Math.abs(exact - 0.666)).toBeLessThan(5 * Math.sqrt(0.222 * (1 / 2000 + 1 / 20000)));
  });

  test('exact masks exactly as many as asked', () => {
    expect(new Set(counts({ ...BEIT, stopRule: 'exact' }, 2000))).toEqual(new Set([75]));
  });

  test('exact begins with the blocks of official', () => {
    const official = createBlockwiseMasking(BEIT);
    const exact = createBlockwiseMasking({ ...BEIT, stopRule: 'exact' });
    for (let seed = 0; seed < 50; seed++) {
      const filled = exact.generate(seed);
      official.generate(seed).forEach((value, cell) => {
        expect(filled[cell]).toBeGreaterThanOrEqual(value);
      });
    }
  });

  test('paper masks more than asked, at most maxMasked', () => {
    const { maxMasked } = createBlockwiseMasking({ ...BEIT, stopRule: 'paper' });
    const found = counts({ ...BEIT, stopRule: 'paper' }, 2000);
    expect(Math.min(...found)).toBe(76);
    expect(Math.max(...found)).toBeLessThanOrEqual(maxMasked);
    expect(maxMasked).toBeLessThan(100);
  });

  test('official and exact try again when the first block fits in no attempt, so no mask is empty', () => {
    // The only permitted area is 16, and most rounded shapes have more cells than that.
    const options = { gridSize: 14, numMaskingPatches: 16, minNumPatches: 16, attempts: 1 };
    expect(Math.min(...counts(options, 500))).toBeGreaterThan(0);
  });

  test('the loop that looks for a first block ends', () => {
    const { generate } = createBlockwiseMasking({ gridSize: 14, numMaskingPatches: 16 });
    // Always an area of 16 with an aspect of 1.27: sides of 4.51 and 3.55, rounded to 5 x 4 cells.
    const stuck = { uniform: () => 0.6 };
    expect(() => generate(stuck)).toThrow('No block fitted in 10000 attempts');
  });

  test('the loop of Algorithm 1 ends', () => {
    const { generate } = createBlockwiseMasking({ ...BEIT, stopRule: 'paper' });
    expect(() => generate({ uniform: () => 0 })).toThrow('100000 blocks did not mask more than 75 patches');
  });
});

test('any options that are accepted give valid masks', () => {
  const options = fc.record({
    gridSize: fc.tuple(fc.integer({ min: 2, max: 40 }), fc.integer({ min: 2, max: 40 })),
    maskRatio: fc.double({ min: 0.1, max: 0.9, noNaN: true }),
    minNumPatches: fc.integer({ min: 1, max: 20 }),
    maxNumPatches: fc.option(fc.integer({ min: 1, max: 60 }), { nil: undefined }),
    minAspect: fc.double({ min: 0.1, max: 1, noNaN: true }),
    attempts: fc.integer({ min: 1, max: 12 }),
    stopRule: fc.constantFrom<StopRule>('official', 'exact', 'paper'),
  });
  let accepted = 0;
  fc.assert(
    fc.property(options, fc.integer(), (given, seed) => {
      let generator: MaskGenerator;
      let mask: Uint8Array;
      try {
        generator = createBlockwiseMasking(given);
        mask = generator.generate(seed);
      } catch (error) {
        expect(String(error)).toMatch(/^RangeError: .*(:|,) (lower|raise|change) /);
        return;
      }
      accepted++;
      const [rows, columns] = given.gridSize;
      const asked = Math.round(given.maskRatio * rows * columns);
      expect(mask.length).toBe(rows * columns);
      expect(mask.every((value) => value === 0 || value === 1)).toBe(true);
      const count = sum(mask);
      expect(count).toBeLessThanOrEqual(generator.maxMasked);
      if (given.stopRule === 'official') expect(count).toBeGreaterThan(0);
      if (given.stopRule === 'exact') expect(count).toBe(asked);
      if (given.stopRule === 'paper') expect(count).toBeGreaterThan(asked);
    }),
    { seed: 1, numRuns: 500 },
  );
  expect(accepted).toBeGreaterThan(200);
});

test('a first block is a rectangle within its limits', () => {
  fc.assert(
    fc.property(fc.integer({ min: 4, max: 30 }), fc.integer(), (numMaskingPatches, seed) => {
      // With as many patches as one block may have and no second attempt, most masks are a single block.
      const options = { gridSize: [9, 40] as const, numMaskingPatches, minNumPatches: 4, attempts: 1 };
      const mask = createBlockwiseMasking(options).generate(seed);
      const cells = Array.from(mask.keys()).filter((cell) => mask[cell] === 1);
      const rows = cells.map((cell) => Math.floor(cell / 40));
      const columns = cells.map((cell) => cell % 40);
      const height = Math.max(...rows) - Math.min(...rows) + 1;
      const width = Math.max(...columns) - Math.min(...columns) + 1;
      fc.pre(height * width === cells.length);
      expect(height).toBeLessThan(9);
      // Sides before rounding: aspect from 0.3 to 1 / 0.3.
      expect((height - 0.5) / (width + 0.5)).toBeLessThan(1 / 0.3);
      expect((height + 0.5) / (width - 0.5)).toBeGreaterThan(0.3);
    }),
    { seed: 1 },
  );
});

describe('validation', () => {
  test.each<[Partial<BlockwiseMaskingOptions>, string]>([
    [{ numMaskingPatches: 1 }, 'numMaskingPatches 1 is below minNumPatches 16'],
    [{ numMaskingPatches: 15 }, 'lower minNumPatches to at most 15'],
    [{ minNumPatches: 0 }, 'minNumPatches 0 is not possible'],
    [{ minNumPatches: Number.NaN }, 'minNumPatches NaN'],
    [{ maxNumPatches: 8 }, 'maxNumPatches 8 is below minNumPatches 16'],
    [{ minAspect: 0 }, 'minAspect 0 is not a ratio'],
    [{ minAspect: -1 }, 'minAspect -1'],
    [{ minAspect: Number.NaN }, 'minAspect NaN'],
    [{ minAspect: 2 }, 'maxAspect 0.5 (1 / minAspect) must be a number of at least minAspect 2'],
    [{ minAspect: 0.5, maxAspect: 0.4 }, 'maxAspect 0.4 must be'],
    [{ maxAspect: Number.POSITIVE_INFINITY }, 'maxAspect Infinity'],
    [{ attempts: 0 }, 'attempts 0'],
    [{ attempts: Number.POSITIVE_INFINITY }, 'attempts Infinity'],
    [{ stopRule: 'v2' as StopRule }, 'stopRule v2 is unknown: give one of official, exact, paper'],
    [{ gridSize: [1, 100], numMaskingPatches: 40 }, 'fits into 0 x 99 patches'],
    [{ gridSize: [2, 100] }, 'No block of 16 to 75 patches'],
    [{ gridSize: 6, numMaskingPatches: 36, minNumPatches: 36 }, 'fits into 5 x 5 patches of the grid [6, 6]'],
    [{ minNumPatches: 70, minAspect: 0.1, maxAspect: 0.12 }, 'widen the range of aspects'],
    [{ numMaskingPatches: 196, stopRule: 'paper' }, 'the grid has no more'],
    [{ numMaskingPatches: undefined }, 'Nothing says how many'],
  ])('%j is refused', (options, message) => {
    expect(() => createBlockwiseMasking({ ...BEIT, ...options })).toThrow(message);
  });

  test('the limits themselves are accepted', () => {
    expect(
      sum(createBlockwiseMasking({ gridSize: 2, numMaskingPatches: 1, minNumPatches: 1 }).generate(1)),
    ).toBe(1);
    const whole = { gridSize: 4, numMaskingPatches: 16, minNumPatches: 1, stopRule: 'exact' } as const;
    expect(sum(createBlockwiseMasking(whole).generate(1))).toBe(16);
    expect(createBlockwiseMasking({ ...BEIT, maxNumPatches: 500, minAspect: 1 }).maxMasked).toBe(75);
  });
});
