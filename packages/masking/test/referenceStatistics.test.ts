import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createBlockwiseMasking, createRandom, createRandomMasking, type MaskGenerator } from '../src/index';
import { type MaskStatistics, measureMasks } from './measureMasks';

interface Reference {
  readonly config: { readonly size: number; readonly num: number; readonly min: number };
  readonly samples: number;
  readonly countHistogram: Readonly<Record<string, number>>;
  readonly cellProbability: readonly (readonly number[])[];
  readonly horizontalNeighbourAgreement: number;
}

const references: Reference[] = JSON.parse(
  readFileSync(join(__dirname, '../../../fixtures/masking-statistics.json'), 'utf8'),
);

// Each test below rejects a perfect generator with probability 1e-4; the streams are fixed, so none does.
const ONE_SIDED = 3.719;

/** Two-sample chi-squared test of homogeneity, as a normal deviate (Wilson and Hilferty 1931). */
function histogramDeviate(ours: MaskStatistics, reference: Reference): number {
  const theirs = new Map(Object.entries(reference.countHistogram).map(([count, n]) => [Number(count), n]));
  const values = [...new Set([...theirs.keys(), ...ours.countHistogram.keys()])].sort((a, b) => a - b);
  // Rare counts are pooled from below until ten are expected in either sample.
  const bins: [ours: number, theirs: number][] = [];
  let bin: [number, number] = [0, 0];
  for (const value of values) {
    bin = [bin[0] + (ours.countHistogram.get(value) ?? 0), bin[1] + (theirs.get(value) ?? 0)];
    if (bin[0] + bin[1] < 20) continue;
    bins.push(bin);
    bin = [0, 0];
  }
  const share = ours.samples / (ours.samples + reference.samples);
  const statistic = bins.reduce((sum, [a, b]) => {
    const expected = (a + b) * share;
    return sum + (a - expected) ** 2 / expected + (a - expected) ** 2 / (a + b - expected);
  }, 0);
  const degrees = bins.length - 1;
  const spread = 2 / (9 * degrees);
  return (Math.cbrt(statistic / degrees) - (1 - spread)) / Math.sqrt(spread);
}

/** The largest of the cells' two-proportion deviates. */
function cellDeviate(ours: MaskStatistics, reference: Reference): number {
  const theirs = reference.cellProbability.flat();
  const deviates = theirs.map((p, cell) => {
    const q = ours.cellProbability[cell]!;
    const pooled = (p * reference.samples + q * ours.samples) / (reference.samples + ours.samples);
    const variance = pooled * (1 - pooled) * (1 / reference.samples + 1 / ours.samples);
    // The reference's probabilities are rounded to four digits.
    return Math.max(0, Math.abs(p - q) - 5e-5) / Math.sqrt(variance);
  });
  return Math.max(...deviates);
}

/** Two-sided 1e-4 shared by up to 196 cells (Bonferroni): 1e-4 / 392 beyond it on either side. */
const CELL_BOUND = 5.03;

function neighbourDeviate(ours: MaskStatistics, reference: Reference): number {
  const error = ours.neighbourDeviation * Math.sqrt(1 / ours.samples + 1 / reference.samples);
  return Math.abs(ours.neighbourAgreement - reference.horizontalNeighbourAgreement) / error;
}

function measure(generator: MaskGenerator, key: string, samples = 20000): MaskStatistics {
  const random = createRandom('statistics', key);
  const out = new Uint8Array(generator.gridSize[0] * generator.gridSize[1]);
  return measureMasks(() => generator.generate(random, out), generator.gridSize[1], samples);
}

const options = ({ size, num, min }: Reference['config']) => ({
  gridSize: size,
  numMaskingPatches: num,
  minNumPatches: min,
});

test.each(references.map((reference) => [JSON.stringify(reference.config), reference] as const))(
  'official rule, %s: agrees with 20,000 masks of the reference',
  (key, reference) => {
    const ours = measure(createBlockwiseMasking(options(reference.config)), key);
    expect(histogramDeviate(ours, reference)).toBeLessThan(ONE_SIDED);
    expect(cellDeviate(ours, reference)).toBeLessThan(CELL_BOUND);
    expect(neighbourDeviate(ours, reference)).toBeLessThan(3.891);
  },
);

describe('the tests notice what differs', () => {
  const beit = references.find(({ config }) => config.num === 75 && config.min === 16)!;

  test('the two other stop rules, in each statistic', () => {
    for (const stopRule of ['exact', 'paper'] as const) {
      const other = measure(createBlockwiseMasking({ ...options(beit.config), stopRule }), stopRule, 4000);
      expect(histogramDeviate(other, beit)).toBeGreaterThan(ONE_SIDED);
      expect(neighbourDeviate(other, beit)).toBeGreaterThan(3.891);
    }
  });

  test('random masking', () => {
    const other = measure(createRandomMasking({ gridSize: 14, numMaskingPatches: 75 }), 'random', 4000);
    expect(cellDeviate(other, beit)).toBeGreaterThan(CELL_BOUND);
    expect(neighbourDeviate(other, beit)).toBeGreaterThan(3.891);
  });

  test('a slightly narrower range of aspects, one attempt fewer', () => {
    for (const change of [{ minAspect: 0.35 }, { attempts: 9 }]) {
      const other = measure(
        createBlockwiseMasking({ ...options(beit.config), ...change }),
        JSON.stringify(change),
      );
      const noticed =
        histogramDeviate(other, beit) > ONE_SIDED ||
        cellDeviate(other, beit) > CELL_BOUND ||
        neighbourDeviate(other, beit) > 3.891;
      expect([change, noticed]).toEqual([change, true]);
    }
  });
});
