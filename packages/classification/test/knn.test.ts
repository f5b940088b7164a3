import { compileForward } from '@beit/compile';
import { createRandom } from '@beit/random';
import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import * as fc from 'fast-check';
import { classificationMetrics, knn, type Neighbors, nearestNeighbors, neighborVotes } from '../src';

tf.enableProdMode();
tf.setBackend('cpu');

const features = (rows: readonly (readonly number[])[], width = rows[0]!.length) =>
  tf.tensor2d(rows.flat(), [rows.length, width]);
const int32 = (numbers: readonly number[]) => tf.tensor1d(numbers as number[], 'int32');
const host = (t: tf.Tensor): HostTensor => ({
  dtype: 'float32',
  shape: t.shape,
  data: t.dataSync() as Float32Array,
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

/** Of float32; between equal rows there is none. */
const ROUNDING = 1e-6;

/** What was found is nearest, each one once and nearest first, but for roundings; equal rows come in their order. */
function expectNearest(
  { indices, similarities }: Neighbors,
  train: readonly number[][],
  queries: readonly (readonly number[])[],
  k: number,
  own?: readonly number[],
): void {
  const count = Math.min(k, train.length - (own ? 1 : 0));
  expect(indices.shape).toEqual([queries.length, count]);
  const [found, cosines] = [indices.arraySync(), similarities.arraySync()];
  for (const [i, query] of queries.entries()) {
    const all = naiveNeighbors(train, query, train.length, own?.[i]);
    const cosineOf = new Map(all.map(({ index, similarity }) => [index, similarity]));
    expect(new Set(found[i]).size).toBe(count);
    for (const [rank, index] of found[i]!.entries()) {
      expect(Math.abs(cosineOf.get(index)! - all[rank]!.similarity)).toBeLessThan(ROUNDING);
      expect(Math.abs(cosines[i]![rank]! - all[rank]!.similarity)).toBeLessThan(ROUNDING);
      const before = rank > 0 ? found[i]![rank - 1]! : -1;
      if (before > index) expect(train[before]).not.toEqual(train[index]);
    }
  }
}

describe('the nearest neighbours', () => {
  test('are those of all pairs, sorted, ties in the order of the training images', () => {
    fc.assert(
      fc.property(problem, ({ train, queries, width, k }) => {
        const found = nearestNeighbors(features(train), features(queries, width), { k });
        expectNearest(found, train, queries, k);
      }),
      { seed: 1, numRuns: 60, ...QUICK_TO_FAIL },
    );
  });

  test('leave an image itself out, and nothing else', () => {
    fc.assert(
      fc.property(problem, ({ train, queries, k }) => {
        const images = [...train, ...queries];
        const [all, own] = [features(images), images.map((_, i) => i)];
        const found = nearestNeighbors(all, all, { k, own: int32(own) });
        expectNearest(found, images, images, k, own);
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
    const found = (a: number[][], b: number[][]) => {
      const { indices, similarities } = nearestNeighbors(features(a), features(b));
      return [indices.arraySync(), similarities.arraySync()];
    };
    expect(found(longer(train), longer(queries))).toEqual(found(train, queries));
  });

  test('of what cannot be compared are refused', () => {
    const one = features([[1, 2]]);
    const two = features([
      [1, 2],
      [3, 4],
    ]);
    expect(() => nearestNeighbors(one, features([[1, 2, 3]]))).toThrow('got [1, 3]; expected [any, 2]');
    expect(() => nearestNeighbors(one, one, { k: 0 })).toThrow('k is 0');
    expect(() => nearestNeighbors(one, one, { own: int32([0]) })).toThrow('There are 1 training images');
    expect(() => nearestNeighbors(two, one, { own: int32([0, 1]) })).toThrow('got [2]; expected [1]');
  });
});

describe('votes', () => {
  test("are DINO's sums of exp(s / temperature), as shares", () => {
    fc.assert(
      fc.property(problem, fc.constantFrom(0.07, 0.5), ({ train, queries, width, seed }, temperature) => {
        const random = createRandom(seed);
        const labels = train.map(() => random.integer(0, 3));
        // All vote: which of equally near ones do is checked above.
        const options = { numClasses: 4, k: train.length, temperature };
        const scores = knn(features(train), int32(labels), features(queries, width), options);
        expect(scores.shape).toEqual([queries.length, 4]);
        const shares = scores.arraySync();
        queries.forEach((query, i) => {
          const sums = [0, 0, 0, 0];
          for (const { index, similarity } of naiveNeighbors(train, query, train.length)) {
            sums[labels[index]!]! += Math.exp(similarity / temperature);
          }
          const total = sums.reduce((a, b) => a + b);
          const apart = sums.map((sum, c) => Math.abs(shares[i]![c]! - sum / total));
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
      knn(train, int32([0, 1, 1]), features([[1, 0]]), { numClasses: 2, temperature }).arraySync()[0]![0]!;
    // 2 exp((cos 45° - 1) / T) against 1
    expect(vote(0.07)).toBeCloseTo(1 / (1 + 2 * Math.exp((Math.SQRT1_2 - 1) / 0.07)), 5);
    expect(vote(10)).toBeCloseTo(1 / 3, 1);
    expect(vote(1e-5)).toBe(1); // exp(1e5) would be infinite
  });

  test('of several k come from one search', () => {
    const random = createRandom(5);
    const draw = (n: number) => features(Array.from({ length: n }, () => [random.normal(), random.normal()]));
    const [train, queries] = [draw(40), draw(9)];
    const labels = int32(Array.from({ length: 40 }, () => random.integer(0, 2)));
    const found = nearestNeighbors(train, queries, { k: 20 });
    for (const k of [1, 10, 20]) {
      expect(neighborVotes(found, labels, { numClasses: 3, k }).arraySync()).toEqual(
        knn(train, labels, queries, { numClasses: 3, k }).arraySync(),
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
    const own = int32(labels.map((_, i) => i));
    const top1 = (of: readonly number[], options: { k?: number; own?: tf.Tensor1D }, seen = train) =>
      classificationMetrics(host(knn(train, int32(of), seen, { numClasses: 3, ...options })), of).top1;
    expect(top1(labels, {}, queries)).toBeGreaterThan(0.9);
    expect(top1(labels, { own })).toBeGreaterThan(0.9);
    // Labels by chance: right only for those who may look at their own.
    const guessed = Array.from(random.permutation(90), (i) => labels[i]!);
    expect(top1(guessed, { k: 1 })).toBe(1);
    expect(top1(guessed, { k: 1, own })).toBeLessThan(0.6);
  });

  test('are the same in a compiled program', async () => {
    const random = createRandom(7);
    const draw = (...shape: number[]) => tf.randomNormal(shape, 0, 1, 'float32', random.integer(0, 1e6));
    const [train, queries] = [draw(300, 24) as tf.Tensor2D, draw(64, 24) as tf.Tensor2D];
    const labels = int32(Array.from({ length: 300 }, () => random.integer(0, 9)));
    const own = int32(Array.from({ length: 64 }, (_, i) => i));
    const options = { numClasses: 10, k: 20 };
    const params = {
      train: host(train),
      labels: { dtype: 'int32', shape: [300], data: labels.dataSync() as Int32Array } as HostTensor,
    };
    const program = await compileForward(
      (
        known: { train: tf.Tensor2D; labels: tf.Tensor1D },
        seen: { queries: tf.Tensor2D; own: tf.Tensor1D },
      ) => ({
        scores: knn(known.train, known.labels, seen.queries, { ...options, own: seen.own }),
      }),
      {
        params,
        inputs: { queries: { dtype: 'float32', shape: [64, 24] }, own: { dtype: 'int32', shape: [64] } },
      },
      { engine: 'onnxruntime' },
    );
    const { scores } = await program.run({
      queries: host(queries),
      own: { dtype: 'int32', shape: [64], data: own.dataSync() as Int32Array },
    });
    await program.dispose();
    const eager = knn(train, labels, queries, { ...options, own }).dataSync();
    expect(Math.max(...eager.map((share, i) => Math.abs(share - scores.data[i]!)))).toBeLessThan(1e-5);
  });

  test('of what does not fit are refused', () => {
    const one = features([[1, 2]]);
    expect(() => knn(one, int32([0, 1]), one, { numClasses: 2 })).toThrow(
      'The labels: got [2]; expected [1]',
    );
    expect(() => knn(one, int32([2]), one, { numClasses: 2 })).toThrow('the index value 2 is not in [0, 1]');
    expect(() => knn(one, int32([0]), one, { numClasses: 2, temperature: 0 })).toThrow('temperature is 0');
    expect(() => knn(one, int32([0]), one, { numClasses: Number.NaN })).toThrow('numClasses is NaN');
  });
});
