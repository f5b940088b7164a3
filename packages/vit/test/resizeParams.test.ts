import { createRandom } from '@beit/random';
import * as tf from '@tensorflow/tfjs';
import {
  createVit,
  geometricOffsets,
  resizeParams,
  resizePositionEmbedding,
  resizeRelativePositionTable,
  unshareRelativePositionBias,
  type VitConfig,
} from '../src';
import scipy from './fixtures/relativePositionResize.json';

tf.enableProdMode();
tf.setBackend('cpu');

test.each(scipy.cases)(
  'a table of a grid of $from at $to is SciPy’s',
  ({ from, to, heads, table, expected }) => {
    const sides = ([rows, columns]: readonly number[]) => [rows!, columns!] as const;
    const shape = [table.length / heads, heads];
    const resized = resizeRelativePositionTable(
      { dtype: 'float32', shape, data: Float32Array.from(table) },
      sides(from),
      sides(to),
    );
    expect(resized.shape).toEqual([expected.length / heads, heads]);
    const error = Math.max(...expected.map((x, i) => Math.abs(x - resized.data[i]!)));
    expect(error).toBeLessThan(1e-5);
  },
);

test('offsets from 14 to 24 patches are the official ones', () => {
  const offsets = geometricOffsets(14, 24);
  offsets.forEach((x, i) => {
    expect(x).toBeCloseTo(scipy.offsets27to47[i]!, 4);
  });
  expect(offsets.at(-1)).toBeCloseTo(22.9999, 3);
});

test('constant positions stay constant, and the cls token keeps its own', () => {
  const data = new Float32Array(17 * 3).fill(2);
  data.set([7, 8, 9]);
  const resized = resizePositionEmbedding({ dtype: 'float32', shape: [1, 17, 3], data }, [4, 4], [6, 6]);
  expect(resized.shape).toEqual([1, 37, 3]);
  expect(Array.from(resized.data.subarray(0, 3))).toEqual([7, 8, 9]);
  for (const x of resized.data.subarray(3)) expect(x).toBeCloseTo(2, 5);
});

test('tables and positions of another grid are refused', () => {
  const tensor = (shape: number[]) => ({
    dtype: 'float32' as const,
    shape,
    data: new Float32Array(shape.reduce((a, b) => a * b, 1)),
  });
  expect(() => resizePositionEmbedding(tensor([1, 17, 3]), [5, 5], [6, 6])).toThrow(
    'Positions of 17 tokens are not those of a grid of 5x5',
  );
  expect(() => resizeRelativePositionTable(tensor([52, 4]), [5, 5], [6, 6])).toThrow(
    'A table of 52 rows is not that of a grid of 5x5: 84 expected',
  );
});

test('a pre-trained model runs at another resolution with a bias per block', () => {
  const from: VitConfig = {
    imageSize: 16,
    patchSize: 4,
    embedDim: 8,
    depth: 2,
    numHeads: 2,
    useSharedRelPosBias: true,
  };
  const to: VitConfig = { ...from, imageSize: 24, useSharedRelPosBias: false, useRelPosBias: true };
  const resized = resizeParams(createVit(from).init(createRandom(1)), from, to);
  const vit = createVit(to);
  expect(Object.fromEntries(Object.entries(resized).map(([name, t]) => [name, [...t.shape]]))).toEqual(
    vit.parameterShapes(),
  );
  const params = Object.fromEntries(
    Object.entries(resized).map(([name, t]) => [name, tf.tensor(t.data, [...t.shape])]),
  );
  const { features } = vit.encode(params, vit.embedPatches(params, tf.zeros([1, 24, 24, 3])));
  expect(features.shape).toEqual([1, 37, 8]);
});

test('unsharing copies the table to every block', () => {
  const config: VitConfig = {
    imageSize: 16,
    patchSize: 4,
    embedDim: 8,
    depth: 3,
    numHeads: 2,
    useSharedRelPosBias: true,
  };
  const params = createVit(config).init(createRandom(1));
  const own = unshareRelativePositionBias(params, 3);
  expect(own['rel_pos_bias.relative_position_bias_table']).toBeUndefined();
  expect(own['blocks.2.attn.relative_position_bias_table']!.data).not.toBe(
    own['blocks.1.attn.relative_position_bias_table']!.data,
  );
});

test('positions are interpolated bilinearly where that is asked for', () => {
  const grid = { dtype: 'float32', shape: [1, 5, 1], data: Float32Array.of(9, 0, 1, 2, 3) } as const;
  const { data } = resizePositionEmbedding(grid, [2, 2], [4, 4], 'bilinear');
  // The cls token, then the first row: a quarter and three quarters between two values that are held at the edges.
  expect([...data.subarray(0, 5)]).toEqual([9, 0, 0.25, 0.75, 1]);
});

test('a strip of one row of patches is resized along it, linearly; a spline is refused', () => {
  const strip = { dtype: 'float32', shape: [3 + 3, 1], data: Float32Array.of(-2, 0, 2, 7, 8, 9) } as const;
  const { shape, data } = resizeRelativePositionTable(strip, [1, 2], [1, 2], 'geometric-linear');
  expect([shape, [...data]]).toEqual([
    [6, 1],
    [-2, 0, 2, 7, 8, 9],
  ]);
  const longer = resizeRelativePositionTable(strip, [1, 2], [1, 3], 'bilinear');
  expect(longer.shape).toEqual([5 + 3, 1]);
  expect(() => resizeRelativePositionTable(strip, [1, 2], [1, 3])).toThrow(
    "A grid of 1 patches along a side has too few offsets for a cubic spline, at least 3 are needed: resize tables with 'geometric-linear'",
  );
});
