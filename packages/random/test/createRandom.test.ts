import fc from 'fast-check';
import { createRandom } from '../src/createRandom';

/** Pearson's statistic for equally likely cells, as a number of standard deviations from its mean. */
function chiSquaredScore(counts: readonly number[]): number {
  const expected = counts.reduce((sum, count) => sum + count, 0) / counts.length;
  const statistic = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const degrees = counts.length - 1;
  return (statistic - degrees) / Math.sqrt(2 * degrees);
}

function histogram(values: Iterable<number>, cells: number): number[] {
  const counts = new Array<number>(cells).fill(0);
  for (const value of values) counts[value]!++;
  return counts;
}

function draw(count: number, next: () => number): number[] {
  return Array.from({ length: count }, next);
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const variance = (values: readonly number[]) => {
  const center = mean(values);
  return mean(values.map((value) => (value - center) ** 2));
};

/** Largest distance between the sample's distribution function and `cdf`, times sqrt(n) (Kolmogorov). */
function kolmogorov(values: readonly number[], cdf: (x: number) => number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  const distances = sorted.map((x, i) => Math.max(Math.abs((i + 1) / n - cdf(x)), Math.abs(i / n - cdf(x))));
  return Math.max(...distances) * Math.sqrt(n);
}

/** Abramowitz and Stegun 7.1.26, absolute error below 1.5e-7. */
function normalCdf(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + 0.3275911 * z);
  const poly =
    t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  const half = 0.5 * (1 - poly * Math.exp(-z * z));
  return x < 0 ? 0.5 - half : 0.5 + half;
}

// Bounds below are met by a perfect generator with probability above 99.99 % each: five standard deviations
// for counts and means, 2.3 for Kolmogorov's statistic (its upper 0.005 % point). Seeds are fixed.

describe('determinism', () => {
  test('pinned values: a change here changes every mask, crop and initial weight of every user', () => {
    const random = createRandom('pinned', 42, 0.5);
    expect(draw(4, random.uint32)).toEqual([3151176642, 2416587396, 585296997, 3318927258]);
    expect(random.uniform()).toBe(0.6833397725131363);
    expect(random.integer(-3, 3)).toBe(2);
    expect(random.normal()).toBeCloseTo(-1.3961889784561474, 12);
    expect(random.truncatedNormal(0.02, 0.02)).toBeCloseTo(0.0032898956863209607, 12);
    expect(random.gumbel()).toBeCloseTo(1.111679342220683, 12);
    expect(Array.from(random.permutation(8))).toEqual([2, 5, 6, 7, 0, 4, 1, 3]);
  });

  test('the same keys give the same stream, other keys another', () => {
    const stream = (...keys: (number | string)[]) => draw(8, createRandom(...keys).uint32).join();
    expect(stream(1, 2, 'crop')).toBe(stream(1, 2, 'crop'));
    const others = [
      stream(1, 2, 'crop'),
      stream(2, 1, 'crop'),
      stream(1, 2, 'mask'),
      stream(1, 2),
      stream('1', 2, 'crop'),
    ];
    expect(new Set(others).size).toBe(others.length);
  });

  test('methods work without their object', () => {
    const { uniform, normal } = createRandom(3);
    const random = createRandom(3);
    expect([uniform(), normal()]).toEqual([random.uniform(), random.normal()]);
  });
});

describe('neighbouring keys are independent', () => {
  // One draw from each of many streams must look like many draws from one stream.
  const firstDraws = (cells: number, make: (i: number) => () => number) =>
    histogram(
      Array.from({ length: 40000 }, (_, i) => Math.floor((make(i)() / 2 ** 32) * cells)),
      cells,
    );

  test.each([
    ['index', (i: number) => createRandom(0, 0, i).uint32],
    ['seed', (i: number) => createRandom(i, 0, 0).uint32],
    ['fraction', (i: number) => createRandom(i / 1024).uint32],
    ['string', (i: number) => createRandom(`image${i}`).uint32],
  ])('%s: first draws are uniform', (_, make) => {
    expect(Math.abs(chiSquaredScore(firstDraws(256, make)))).toBeLessThan(5);
  });

  test('first draws of neighbours are uniform as pairs', () => {
    const pairs = Array.from({ length: 40000 }, (_, i) => {
      const left = createRandom(9, i).uint32() >>> 28;
      return (left << 4) | (createRandom(9, i + 1).uint32() >>> 28);
    });
    expect(Math.abs(chiSquaredScore(histogram(pairs, 256)))).toBeLessThan(5);
  });

  test('streams of neighbours do not correlate', () => {
    const n = 2000;
    for (let i = 0; i < 50; i++) {
      const left = createRandom(i).uniform;
      const right = createRandom(i + 1).uniform;
      const products = draw(n, () => (left() - 0.5) * (right() - 0.5));
      // A product of two uniforms on [-1/2, 1/2) has standard deviation 1/12.
      expect(Math.abs(mean(products)) * 12 * Math.sqrt(n)).toBeLessThan(5);
    }
  });
});

describe('distributions', () => {
  const n = 40000;

  test('each of the 32 bits is fair', () => {
    const random = createRandom('bits');
    const ones = new Array<number>(32).fill(0);
    for (let i = 0; i < n; i++) {
      const word = random.uint32();
      for (let bit = 0; bit < 32; bit++) ones[bit]! += (word >>> bit) & 1;
    }
    for (const count of ones) expect(Math.abs(count - n / 2)).toBeLessThan(5 * Math.sqrt(n / 4));
  });

  test('uniform', () => {
    const random = createRandom('uniform');
    expect(
      kolmogorov(
        draw(n, () => random.uniform()),
        (x) => x,
      ),
    ).toBeLessThan(2.3);
    expect(
      kolmogorov(
        draw(n, () => random.uniform(-3, 5)),
        (x) => (x + 3) / 8,
      ),
    ).toBeLessThan(2.3);
  });

  test('uniform stays below its end, however narrow the range', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.double({ min: -1e9, max: 1e9 }),
        fc.double({ min: 1e-6, max: 1 }),
        (seed, min, width) => {
          fc.pre(min + width > min);
          const value = createRandom(seed).uniform(min, min + width);
          expect(value).toBeGreaterThanOrEqual(min);
          expect(value).toBeLessThan(min + width);
        },
      ),
      { seed: 1 },
    );
  });

  test('integer reaches both ends and favours none', () => {
    const random = createRandom('integer');
    const draws = draw(n, () => random.integer(-2, 10));
    expect(
      Math.abs(
        chiSquaredScore(
          histogram(
            draws.map((x) => x + 2),
            13,
          ),
        ),
      ),
    ).toBeLessThan(5);
    // 3 * 2^30 does not divide 2^32: taking remainders alone would put half of the draws in the first third.
    const low = draw(n, () => random.integer(0, 3 * 2 ** 30 - 1)).filter((x) => x < 2 ** 30).length;
    expect(Math.abs(low - n / 3)).toBeLessThan(5 * Math.sqrt((n * 2) / 9));
    expect(random.integer(5, 5)).toBe(5);
    expect(random.integer(0, 2 ** 32 - 1)).toBeLessThan(2 ** 32);
  });

  test('normal', () => {
    const { normal } = createRandom('normal');
    const draws = draw(n, () => normal());
    expect(kolmogorov(draws, normalCdf)).toBeLessThan(2.3);
    // The two of a Box-Muller pair are independent.
    const products = draws.filter((_, i) => i % 2 === 0).map((x, i) => x * draws[2 * i + 1]!);
    expect(Math.abs(mean(products)) * Math.sqrt(n / 2)).toBeLessThan(5);
    const scaled = draw(n, () => normal(3, 0.1));
    expect(Math.abs(mean(scaled) - 3)).toBeLessThan((5 * 0.1) / Math.sqrt(n));
    expect(Math.abs(variance(scaled) / 0.01 - 1)).toBeLessThan(5 * Math.sqrt(2 / n));
  });

  test.each([
    [1, 2],
    [0.02, 0.02],
    [2, 0.5],
  ])('truncatedNormal, std %d, cutoff %d', (std, cutoff) => {
    const { truncatedNormal } = createRandom('truncated');
    const draws = draw(n, () => truncatedNormal(std, cutoff));
    expect(Math.max(...draws.map(Math.abs))).toBeLessThanOrEqual(cutoff);
    const tail = normalCdf(-cutoff / std);
    expect(kolmogorov(draws, (x) => (normalCdf(x / std) - tail) / (1 - 2 * tail))).toBeLessThan(2.3);
  });

  test('gumbel', () => {
    expect(kolmogorov(draw(n, createRandom('gumbel').gumbel), (x) => Math.exp(-Math.exp(-x)))).toBeLessThan(
      2.3,
    );
  });

  test('permutation: every order of four is equally likely', () => {
    const { permutation } = createRandom('permutation');
    const orders = new Map<string, number>();
    for (let i = 0; i < 24000; i++) {
      const order = permutation(4).join();
      orders.set(order, (orders.get(order) ?? 0) + 1);
    }
    expect(orders.size).toBe(24);
    expect(Math.abs(chiSquaredScore([...orders.values()]))).toBeLessThan(5);
  });

  test('permutation holds each number once', () => {
    for (const length of [0, 1, 2, 1000]) {
      const sorted = createRandom(length).permutation(length).sort();
      expect(Array.from(sorted)).toEqual(Array.from({ length }, (_, i) => i));
    }
  });
});

test('impossible arguments are refused', () => {
  const random = createRandom(0);
  expect(() => random.uniform(1, 1)).toThrow('uniform(1, 1) is empty');
  expect(() => random.uniform(2, 1)).toThrow('empty');
  expect(() => random.uniform(Number.NaN, 1)).toThrow('empty');
  expect(() => random.integer(0.5, 3)).toThrow('give integers');
  expect(() => random.integer(3, 2)).toThrow('min <= max');
  expect(() => random.truncatedNormal(-1, 1)).toThrow('std of at least 0');
  expect(() => random.truncatedNormal(1, 0)).toThrow('cutoff above 0');
  expect(() => random.permutation(-1)).toThrow('permutation(-1)');
  expect(random.truncatedNormal(0, 1)).toBeCloseTo(0, 20);
});
