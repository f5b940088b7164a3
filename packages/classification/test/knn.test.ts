import { createRandom } from '@beit/random';
import type { HostTensor } from '@beit/tensors';
import * as fc from 'fast-check';
import { classificationMetrics, knn, nearestNeighbors, neighborVotes } from '../src';

const features = (rows: readonly (readonly number[])[], width = rows[0]!.length): HostTensor => ({
  dtype: 'float32',
  shape: [rows.length, width],
  data: Float32Array.from(rows.flat()),
});

/** All similarities of all pairs, sorted: what the search must agree with to the last index. */
function naiveNeighbors(
  train: readonly number[][],
  query: readonly number[],
  k: number,
  left = -1,
): { index: number; similarity: number }[] {
  const normalized = (row: readonly number[]) => {
    const scale = 1 / Math.max(Math.sqrt(row.reduce((sum, x) => sum + x * x, 0)), 1e-12);
    return row.map((x) => x * scale);
  };
  const own = normalized(query);
  return train
    .map((row, index) => {
      const other = normalized(row);
      return { index, similarity: own.reduce((sum, x, j) => sum + x * other[j]!, 0) };
    })
    .filter(({ index }) => index !== left)
    .sort((a, b) => b.similarity - a.similarity || a.index - b.index)
    .slice(0, k);
}

/** Counterexamples that need more than one block take minutes to make smaller. */
const QUICK_TO_FAIL = { endOnFailure: true };

/** Few different numbers, so that many rows are equal, parallel or zero. */
const rowsOf = (width: number, size: { minLength: number; maxLength: number }) =>
  fc.array(fc.array(fc.integer({ min: -2, max: 2 }), { minLength: width, maxLength: width }), {
    ...size,
    size: 'max', // all lengths alike: more than are compared at once, too
  });
const problem = fc.integer({ min: 1, max: 6 }).chain((width) =>
  fc.record({
    width: fc.constant(width),
    train: rowsOf(width, { minLength: 2, maxLength: 25 }),
    queries: rowsOf(width, { minLength: 0, maxLength: 70 }),
    k: fc.integer({ min: 1, max: 30 }),
    seed: fc.nat(),
  }),
);

describe('the nearest neighbours', () => {
  test('are those of all pairs, sorted, ties in the order of the training images', () => {
    fc.assert(
      fc.property(problem, ({ train, queries, width, k }) => {
        const found = nearestNeighbors(features(train), features(queries, width), { k });
        const expected = queries.map((query) => naiveNeighbors(train, query, k));
        expect(found.indices.shape).toEqual([queries.length, Math.min(k, train.length)]);
        expect([...found.indices.data]).toEqual(expected.flat().map(({ index }) => index));
        expect([...found.similarities.data]).toEqual(
          expected.flat().map(({ similarity }) => Math.fround(similarity)),
        );
      }),
      { seed: 1, numRuns: 60, ...QUICK_TO_FAIL },
    );
  });

  test('leave an image itself out, and nothing else', () => {
    fc.assert(
      fc.property(problem, ({ train, queries, k }) => {
        const images = [...train, ...queries]; // more than are compared at once
        const all = features(images);
        const { indices } = nearestNeighbors(all, all, { k, leaveOneOut: true });
        const expected = images.flatMap((query, i) => naiveNeighbors(images, query, k, i));
        expect(indices.shape).toEqual([images.length, Math.min(k, images.length - 1)]);
        expect([...indices.data]).toEqual(expected.map(({ index }) => index));
      }),
      { seed: 2, numRuns: 40, ...QUICK_TO_FAIL },
    );
  });

  test('do not depend on the lengths of features', () => {
    const random = createRandom(3);
    const draw = (n: number) =>
      Array.from({ length: n }, () => Array.from({ length: 9 }, () => random.normal()));
    const [train, queries] = [draw(50), draw(70)];
    const longer = (rows: number[][]) => rows.map((row, i) => row.map((x) => x * 2 ** (i % 5)));
    expect(nearestNeighbors(features(longer(train)), features(longer(queries)))).toEqual(
      nearestNeighbors(features(train), features(queries)),
    );
  });

  test('of what cannot be compared are refused', () => {
    const one = features([[1, 2]]);
    expect(() => nearestNeighbors(one, features([[1, 2, 3]]))).toThrow('queries are [1, 3]; expected [1, 2]');
    expect(() => nearestNeighbors(one, one, { k: 0 })).toThrow('k is 0');
    expect(() => nearestNeighbors(one, one, { leaveOneOut: true })).toThrow('There are 1 training images');
    expect(() =>
      nearestNeighbors(
        features([
          [1, 2],
          [3, 4],
        ]),
        one,
        { leaveOneOut: true },
      ),
    ).toThrow('1 queries and 2');
    expect(() =>
      nearestNeighbors(
        one,
        features([
          [1, 0],
          [0, Number.NaN],
        ]),
      ),
    ).toThrow('Row 1 of "queries"');
    expect(() => nearestNeighbors({ ...one, shape: [1, 3] }, one)).toThrow('"train" has shape [1,3]');
  });
});

describe('votes', () => {
  test("are DINO's sums of exp(s / temperature), as shares", () => {
    fc.assert(
      fc.property(problem, fc.constantFrom(0.07, 0.5), ({ train, queries, width, k, seed }, temperature) => {
        const random = createRandom(seed);
        const labels = train.map(() => random.integer(0, 3));
        const scores = knn(features(train), labels, features(queries, width), {
          numClasses: 4,
          k,
          temperature,
        });
        expect(scores.shape).toEqual([queries.length, 4]);
        queries.forEach((query, i) => {
          const sums = [0, 0, 0, 0];
          for (const { index, similarity } of naiveNeighbors(train, query, k)) {
            sums[labels[index]!]! += Math.exp(similarity / temperature);
          }
          const total = sums.reduce((a, b) => a + b);
          const apart = sums.map((sum, c) => Math.abs(scores.data[4 * i + c]! - sum / total));
          expect(Math.max(...apart)).toBeLessThan(1e-5);
        });
      }),
      { seed: 4, numRuns: 60, ...QUICK_TO_FAIL },
    );
  });

  test('let a near neighbour outvote two far ones, unless it is warm', () => {
    const train = features([
      [1, 0],
      [1, 1],
      [1, 1],
    ]);
    const vote = (temperature: number) =>
      knn(train, [0, 1, 1], features([[1, 0]]), { numClasses: 2, temperature }).data[0]!;
    // 2 exp((cos 45° - 1) / T) against 1
    expect(vote(0.07)).toBeCloseTo(1 / (1 + 2 * Math.exp((Math.SQRT1_2 - 1) / 0.07)), 5);
    expect(vote(10)).toBeCloseTo(1 / 3, 1);
    expect(vote(1e-5)).toBe(1); // exp(1e5) would be infinite
  });

  test('of several k come from one search', () => {
    const random = createRandom(5);
    const draw = (n: number) => features(Array.from({ length: n }, () => [random.normal(), random.normal()]));
    const [train, queries] = [draw(40), draw(9)];
    const labels = Array.from({ length: 40 }, () => random.integer(0, 2));
    const found = nearestNeighbors(train, queries, { k: 20 });
    for (const k of [1, 10, 20]) {
      expect(neighborVotes(found, labels, { numClasses: 3, k })).toEqual(
        knn(train, labels, queries, { numClasses: 3, k }),
      );
    }
    expect(() => neighborVotes(found, labels, { numClasses: 3, k: 21 })).toThrow(
      'k is 21; expected an integer from 1 to 20',
    );
  });

  test('find the classes of clusters, also one image at a time', () => {
    const random = createRandom(6);
    const labels = Array.from({ length: 90 }, (_, i) => i % 3);
    const draw = () =>
      features(
        labels.map((label) => Array.from({ length: 8 }, (_, j) => (j === label ? 3 : 0) + random.normal())),
      );
    const [train, queries] = [draw(), draw()];
    const shuffled = random.permutation(90);
    const top1 = (scores: HostTensor, of: ArrayLike<number>) => classificationMetrics(scores, of).top1;
    expect(top1(knn(train, labels, queries, { numClasses: 3 }), labels)).toBeGreaterThan(0.9);
    expect(top1(knn(train, labels, train, { numClasses: 3, leaveOneOut: true }), labels)).toBeGreaterThan(
      0.9,
    );
    // Labels by chance: right only for those who may look at their own.
    const guessed = Array.from(shuffled, (i) => labels[i]!);
    expect(top1(knn(train, guessed, train, { numClasses: 3, k: 1 }), guessed)).toBe(1);
    expect(
      top1(knn(train, guessed, train, { numClasses: 3, k: 1, leaveOneOut: true }), guessed),
    ).toBeLessThan(0.6);
  });

  test('of labels that do not fit are refused', () => {
    const one = features([[1, 2]]);
    expect(() => knn(one, [0, 1], one, { numClasses: 2 })).toThrow('There are 2 labels');
    expect(() => knn(one, [2], one, { numClasses: 2 })).toThrow(
      'Label 0 is 2; expected a class from 0 to 1.',
    );
    expect(() => knn(one, [0], one, { numClasses: 2, temperature: 0 })).toThrow('temperature is 0');
    expect(() => knn(one, [0], one, { numClasses: Number.NaN })).toThrow('numClasses is NaN');
    expect(() => neighborVotes(nearestNeighbors(one, one), [], { numClasses: 2 })).toThrow(
      'image 0, but there are 0 labels',
    );
  });
});
