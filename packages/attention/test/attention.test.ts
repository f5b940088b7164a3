import { createRandom } from '@beit/random';
import { createVit } from '@beit/vit';
import * as tf from '@tensorflow/tfjs';
import fc from 'fast-check';
import {
  attentionDistance,
  attentionOfImages,
  attentionRollout,
  type GridSize,
  keepMass,
  type LayerAttention,
  meanMap,
  objectness,
  patchAttention,
  rocAuc,
} from '../src';

const GRID: GridSize = [2, 3];
const TOKENS = 7;

/** Rows that sum to 1. */
function layerOf(numHeads: number, weight: (head: number, query: number, key: number) => number) {
  const data: number[] = [];
  for (let head = 0; head < numHeads; head++)
    for (let query = 0; query < TOKENS; query++) {
      const row = Array.from({ length: TOKENS }, (_, key) => weight(head, query, key));
      const sum = row.reduce((a, b) => a + b);
      data.push(...row.map((x) => x / sum));
    }
  return { shape: [numHeads, TOKENS, TOKENS], data } satisfies LayerAttention;
}
const random = createRandom('attention');
const drawn = (numHeads: number) => layerOf(numHeads, () => random.uniform());
const identity = layerOf(2, (_, query, key) => (query === key ? 1 : 0));
const uniform = layerOf(1, () => 1);

describe('the attention of a patch', () => {
  test('is its row of every head, without the cls token', () => {
    const layer = drawn(3);
    const maps = patchAttention(layer, GRID, [1, 2]);
    expect(maps.length).toBe(3);
    maps.forEach((map, head) => {
      expect(map.length).toBe(6);
      const row = layer.data.slice((head * TOKENS + 6) * TOKENS).slice(0, TOKENS);
      map.forEach((x, i) => {
        expect(x).toBeCloseTo(row[i + 1]!, 6);
      });
      expect(map.reduce((a, b) => a + b)).toBeCloseTo(1 - row[0]!, 5);
    });
  });

  test('the mean of maps', () => {
    expect([...meanMap([Float32Array.of(1, 2), Float32Array.of(3, 6)])]).toEqual([2, 4]);
    expect(() => meanMap([])).toThrow('no map');
  });

  test('a patch that does not exist, and another grid, are refused', () => {
    expect(() => patchAttention(uniform, GRID, [2, 0])).toThrow(
      'There is no patch (2, 0); the grid has 2x3.',
    );
    expect(() => patchAttention(uniform, [3, 3], [0, 0])).toThrow('expected [numHeads, 10, 10]');
    expect(() => patchAttention({ ...uniform, data: [1] }, GRID, [0, 0])).toThrow('has 1 numbers');
  });

  test('it is what @beit/vit computes, image by image', () => {
    tf.setBackend('cpu');
    const vit = createVit({ imageSize: [4, 10], patchSize: 2, embedDim: 8, depth: 2, numHeads: 2 });
    const params = Object.fromEntries(
      Object.entries(vit.init(createRandom(0))).map(([name, t]) => [name, tf.tensor(t.data, [...t.shape])]),
    );
    const images = tf.sin(tf.range(0, 2 * 4 * 10 * 3)).reshape([2, 4, 10, 3]);
    const { attention } = vit.encode(params, vit.embedPatches(params, images), { withAttention: true });
    const last = attention[1]!;
    const [, second] = attentionOfImages({ shape: last.shape, data: last.dataSync() as Float32Array });
    const [, head] = patchAttention(second!, vit.gridSize, [1, 3]);
    // Image 1, head 1, query 1 + 1 * 5 + 3 (cls is 0), all keys but cls.
    const expected = tf.slice(last, [1, 1, 9, 1], [1, 1, 1, 10]).dataSync();
    expect(head).toEqual(expected);
    expect(() => attentionOfImages({ shape: [2, 3], data: new Float32Array(6) })).toThrow(
      'The attention is [2,3]',
    );
  });
});

describe('rollout', () => {
  test('rows sum to 1, whatever the layers', () => {
    const rollout = attentionRollout([drawn(2), drawn(4), drawn(1)], { residual: 0.3 });
    for (let i = 0; i < TOKENS; i++)
      expect(rollout.slice(i * TOKENS, (i + 1) * TOKENS).reduce((a, b) => a + b)).toBeCloseTo(1, 5);
  });

  test('layers that look at themselves change nothing; one layer is its mean and the residual', () => {
    const layer = drawn(2);
    const once = attentionRollout([layer]);
    const more = attentionRollout([identity, layer, identity]);
    once.forEach((x, i) => {
      expect(more[i]).toBeCloseTo(x, 6);
      const [row, column] = [Math.floor(i / TOKENS), i % TOKENS];
      const mean = (layer.data[i]! + layer.data[TOKENS ** 2 + i]!) / 2;
      expect(x).toBeCloseTo(0.5 * mean + (row === column ? 0.5 : 0), 6);
    });
  });

  test('the order of layers counts: the first is nearest to the input', () => {
    const toFirst = layerOf(1, (_, __, key) => (key === 0 ? 1 : 0));
    const toLast = layerOf(1, (_, __, key) => (key === TOKENS - 1 ? 1 : 0));
    const rollout = attentionRollout([toFirst, toLast], { residual: 0 });
    expect(rollout[0]).toBe(1);
  });

  test('wrong layers are refused', () => {
    expect(() => attentionRollout([])).toThrow('no layer');
    expect(() => attentionRollout([uniform], { residual: 2 })).toThrow('residual is 2');
    expect(() => attentionRollout([uniform, { shape: [1, 2, 2], data: [1, 0, 0, 1] }])).toThrow('[1,2,2]');
  });
});

test('distance: 0 for a head that looks at itself, the mean distance of all pairs for one that looks everywhere', () => {
  const [self] = attentionDistance(identity, GRID, 16);
  expect(self).toBe(0);
  const places = [0, 1, 2, 3, 4, 5].map((i) => [Math.floor(i / 3), i % 3] as const);
  const all = places.flatMap(([a, b]) => places.map(([c, d]) => Math.hypot(a - c, b - d)));
  const [everywhere] = attentionDistance(uniform, GRID, 16);
  expect(everywhere).toBeCloseTo((16 * all.reduce((x, y) => x + y)) / all.length, 4);
});

describe('the mass that is kept', () => {
  const maps = fc.array(fc.integer({ min: 0, max: 20 }), { minLength: 1, maxLength: 30 });

  test('is enough, and would not be with the least of it away', () => {
    fc.assert(
      fc.property(maps, fc.double({ min: 0, max: 1, noNaN: true }), (map, share) => {
        const kept = map.filter((_, i) => keepMass(map, share)[i]);
        const wanted = share * map.reduce((a, b) => a + b, 0);
        const mass = kept.reduce((a, b) => a + b, 0);
        expect(mass).toBeGreaterThanOrEqual(wanted - 1e-9);
        if (kept.length > 0) expect(mass - Math.min(...kept)).toBeLessThan(wanted + 1e-9);
        const left = map.filter((_, i) => !keepMass(map, share)[i]);
        expect(Math.max(0, ...left)).toBeLessThanOrEqual(Math.min(...kept, Number.POSITIVE_INFINITY));
      }),
      { seed: 1 },
    );
  });

  test('by default 60 percent', () => {
    expect([...keepMass([1, 5, 2, 2])]).toEqual([0, 1, 1, 0]);
    expect(() => keepMass([1], 1.5)).toThrow('share is 1.5');
    expect(() => keepMass([1, -1])).toThrow('The map has -1');
  });
});

describe('area under the ROC curve', () => {
  test('is the share of pairs in the right order, ties by half', () => {
    const scored = fc.array(fc.tuple(fc.integer({ min: 0, max: 5 }), fc.boolean()), { maxLength: 25 });
    fc.assert(
      fc.property(scored, (pairs) => {
        const of = (positive: boolean) => pairs.filter(([, is]) => is === positive).map(([score]) => score);
        const [yes, no] = [of(true), of(false)];
        const right = yes.flatMap((a) => no.map((b) => (a > b ? 1 : a === b ? 0.5 : 0) as number));
        const auc = rocAuc(
          pairs.map(([score]) => score),
          pairs.map(([, is]) => is),
        );
        if (right.length === 0) expect(auc).toBeNaN();
        else expect(auc).toBeCloseTo(right.reduce((a, b) => a + b) / right.length, 10);
      }),
      { seed: 1 },
    );
  });

  test('as many labels as scores', () => {
    expect(() => rocAuc([1], [])).toThrow('There are 1 scores and 0 labels.');
  });
});

describe('objectness', () => {
  const object = [1, 1, 0, 0, 1, 0];

  test('of attention that stays on the object, and of one that looks everywhere', () => {
    const on = objectness((query) => object.map((is, i) => (i === query ? 9 : is)), object, GRID)!;
    expect(on).toEqual({ auc: 1, aucAtEqualDistance: 1, mass: 1, area: 2 / 5 });
    const everywhere = objectness(() => object.map(() => 1 / 6), object, GRID)!;
    expect([everywhere.auc, everywhere.aucAtEqualDistance]).toEqual([0.5, 0.5]);
    expect(everywhere.mass).toBeCloseTo(everywhere.area, 12);
  });

  test('of attention that only knows distances: high, but not among patches at one distance', () => {
    const [rows, columns] = [6, 6];
    const square = Array.from({ length: 36 }, (_, i) => (i % 6 < 3 && i < 18 ? 1 : 0));
    const near = (query: number) =>
      square.map((_, i) =>
        Math.exp(-Math.hypot(Math.floor(i / 6) - Math.floor(query / 6), (i % 6) - (query % 6))),
      );
    const found = objectness(near, square, [rows, columns])!;
    expect(found.auc).toBeGreaterThan(0.85);
    expect(found.aucAtEqualDistance).toBe(0.5);
  });

  test('equal distances: by counting pairs', () => {
    // Of patch 0: patches 1 and 3 are at distance 1, 2 at 2, 4 at the root of 2, 5 at that of 5; 1 is on, 3 is not.
    // Of patch 1: 0, 2 and 4 are at distance 1; 0 and 4 are on; 3 and 5 are at the root of 2, neither is on.
    // Of patch 4: 1, 3 and 5 are at distance 1; 1 is on; 0 and 2 are at the root of 2; 0 is on.
    const map = [5, 4, 3, 2, 1, 6];
    const expected = [1, (1 + 0) / 2, (1 + 0 + 1) / 3];
    const { aucAtEqualDistance } = objectness(() => map, object, GRID)!;
    expect(aucAtEqualDistance).toBeCloseTo((expected[0]! + expected[1]! + expected[2]!) / 3, 12);
  });

  test('needs two patches of the object, and one that is not of it; and the grid', () => {
    expect(objectness(() => [1, 1], [1, 0], [1, 2])).toBeUndefined();
    expect(objectness(() => [1, 1], [1, 1], [1, 2])).toBeUndefined();
    expect(() => objectness(() => [1, 1], [1, 1], [2, 2])).toThrow('has 2 patches; expected 2x2');
  });
});
