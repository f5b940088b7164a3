import * as tf from '@tensorflow/tfjs';
import { compile } from '../src';
import { tracingEngines } from './compiledEngines';
import { type Case, expectSame, given } from './expectSame';
import { expectSameExported } from './expectSameExported';
import { f32, i32 } from './hostTensors';

type Tensors = Record<string, tf.Tensor>;
type Op = (x: tf.Tensor) => tf.Tensor | readonly tf.Tensor[];

const count = (length: number) => Array.from({ length }, (_, i) => i);
const sized = (shape: readonly number[]) => shape.reduce((a, b) => a * b, 1);
/** Halves, in order. */
const halves = (...shape: number[]) =>
  f32(
    count(sized(shape)).map((i) => i + 0.5),
    shape,
  );
const ints = (...shape: number[]) =>
  i32(
    count(sized(shape)).map((i) => (7 * i + 3) % 11),
    shape,
  );
/** Integers that no float32 holds, and the extreme ones. */
const LARGE = i32(
  [16777217, -16777219, 2147483647, -2147483648, 123456789, -1, 0, 7, 33554435, 2147483646, -2147483647, 5],
  [3, 4],
);
const x34 = halves(3, 4);
const x345 = halves(3, 4, 5);
const of = given;
const constantIndices = (...values: number[]) => tf.tensor1d(values, 'int32');

/** Ops that move elements, whatever they are. */
const MOVES: Record<string, Op> = {
  reverse: (x) => [x.reverse(), x.reverse([]), x.reverse(0), x.reverse(-1), x.reverse([0, 1])],
  slice: (x) => [
    x.slice(1),
    x.slice(0, 2),
    x.slice([1], [1]),
    x.slice([0, 2]),
    x.slice([1, 1], [-1, 2]),
    x.slice([1, 2], 1),
  ],
  'strided slice': (x) => [
    x.stridedSlice([0, 0], [3, 4], [2, 3]),
    x.stridedSlice([2, 3], [0, 0], [-1, -2]),
    x.stridedSlice([1], [3], [1]),
    x.stridedSlice([0, -2], [3, 4], [1, 1]),
    x.stridedSlice([5, -9], [-9, 9], [-1, 2]),
  ],
  'strided slice with masks': (x) => [
    x.stridedSlice([1, 1], [2, 2], [1, 1], 3, 3),
    x.stridedSlice([2, 0], [0, 4], [-1, 1], 0, 1),
    x.stridedSlice([0, 0, 0], [0, 0, 0], [1, 1, 1], 7, 7, 0, 2),
    x.stridedSlice([0, 1], [0, 3], [1, 1], 0, 0, 1),
    x.stridedSlice([1, 0], [2, 4], [1, 1], 0, 0, 0, 0, 1),
    x.stridedSlice([0, -1], [3, 0], [1, 1], 1, 1, 0, 0, 2),
  ],
  'split, stack and unstack': (x) => [
    ...tf.split(x, 2, 1),
    ...tf.split(x, [1, 2]),
    tf.stack([x, x], -1),
    tf.stack([x, x], 1),
    ...tf.unstack(x, -1),
    ...tf.unstack(x),
  ],
  concat: (x) => [tf.concat([x, x], 1), tf.concat([x, x.reverse(0)], -2)],
  pad: (x) => [
    x.pad([
      [1, 0],
      [0, 2],
    ]),
    x.pad(
      [
        [0, 1],
        [2, 0],
      ],
      1,
    ),
  ],
  tile: (x) => [x.tile([2, 1]), x.tile([1, 3])],
  broadcastTo: (x) => [x.slice(0, 1).broadcastTo([2, 5, 4]), x.slice([0, 1], [-1, 1]).broadcastTo([3, 4])],
  transpose: (x) => [x.transpose(), x.reshape([2, 3, 2]).transpose([1, 2, 0])],
  gather: (x) => [
    x.gather(constantIndices(2, 0)),
    x.gather(constantIndices(2, 0, 2), 1),
    x.gather(constantIndices(3), -1),
  ],
  where: (x) => [tf.where(x.notEqual(x.reverse(0)), x, x.reverse(1)), tf.where(x.cast('bool'), x, x)],
  diag: (x) => [tf.diag(x.slice(0, 1).flatten()), tf.diag(x)],
  'six axes': (x) => {
    const y = x.reshape([1, 3, 2, 1, 1, 2]);
    return [
      y.reverse([1, 5]),
      y.slice([0, 1, 0, 0, 0, 1], [1, 2, 2, 1, 1, 1]),
      y.tile([2, 1, 1, 2, 1, 1]),
      y.transpose([5, 3, 1, 0, 2, 4]),
      tf.concat([y, y], 2),
      y.gather(constantIndices(1, 0), 2),
    ];
  },
  'no axes': (x) => {
    const y = x.slice([1, 0], [1, 1]).reshape([]);
    return [y.reverse(), y.tile([]), tf.stack([y, y]), y.broadcastTo([2, 2])];
  },
};

const CASES: Record<string, Case> = {
  ...Object.fromEntries(
    Object.entries(MOVES).flatMap(([name, op]): [string, Case][] => [
      [name, of({ x: x34 }, ({ x }) => op(x))],
      [`${name}, of int32`, of({ x: LARGE }, ({ x }) => op(x))],
      [`${name}, of bool`, of({ x: ints(3, 4) }, ({ x }) => op(x.greater(4)))],
    ]),
  ),
  'strided slice that drops an axis and steps over another': of(
    { x: x34 },
    ({ x }) => x.stridedSlice([1, 0], [2, 4], [1, 2], 0, 0, 0, 0, 1),
    // TensorFlow.js applies the strides to the wrong axes.
    { expected: { y: f32([4.5, 6.5]) } },
  ),
  'pad by other numbers': of({ x: x34, n: LARGE }, ({ x, n }) =>
    [7, 16777217, -2147483648].flatMap((value) => [
      n.pad(
        [
          [1, 0],
          [0, 2],
        ],
        value,
      ),
      x.pad(
        [
          [1, 0],
          [0, 2],
        ],
        value,
      ),
    ]),
  ),
  'pad by what is not finite': of({ x: x34 }, ({ x }) =>
    [Number.NaN, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY].map((value) =>
      x.pad(
        [
          [1, 0],
          [0, 0],
        ],
        value,
      ),
    ),
  ),
  range: of({ x: x34 }, ({ x }) => [
    x.sum().add(tf.range(5, 0)),
    tf.range(5, 0, -2),
    tf.range(0, 1, 0.1),
    tf.range(10, 0, -3, 'int32'),
    tf.range(0, 5, 1, 'int32'),
    tf.range(-2, 2),
  ]),
  linspace: of({}, () => [tf.linspace(0, 1, 7), tf.linspace(3, -2, 4), tf.linspace(1, 1, 1)]),
  'where of two dtypes': of({ x: x34, n: ints(3, 4) }, ({ x, n }) => [
    tf.where(x.greater(4), n, 0),
    tf.where(x.greater(4), n, x),
    tf.where(x.greater(4), n.greater(3), n),
    tf.where(tf.tensor1d([1, 0, 1, 0], 'bool'), x, tf.scalar(3)),
  ]),
  'gather by indices that are inputs': of({ x: x34, i: i32([2, 0]) }, ({ x, i }) => [
    x.gather(i),
    x.gather(i, 1),
    x.gather(i.reshape([2, 1]), -1),
    x.gather(i.slice(0, 1).reshape([])),
    x.greater(4).gather(i),
  ]),
  'gradient of gather': of({ x: x345, i: i32([2, 0, 2, 3]) }, ({ x, i }) => [
    tf.grad((y) => y.gather(i, 1).square().sum())(x),
    tf.grad((y) =>
      y
        .gather(i.reshape([2, 2]), -2)
        .square()
        .sum(),
    )(x),
  ]),
  'gather by batch': of(
    {
      x: x345,
      i: i32([2, 0, 1, 3, 3, 3], [3, 2]),
      j: i32(
        count(12).map((i) => i % 5),
        [3, 4, 1],
      ),
    },
    ({ x, i, j }) => [
      x.gather(i, 1, 1),
      x.gather(i, 2, 1),
      x.gather(j, -1, 2),
      x.greater(9).gather(i, 1, 1),
      tf.grad((y) => y.gather(i, 1, 1).square().sum())(x),
    ],
  ),
  gatherND: of({ x: x345, i: i32([2, 0, 1, 3], [2, 2]) }, ({ x, i }) => [
    tf.gatherND(x, i),
    tf.gatherND(x.toInt(), i),
    tf.gatherND(x.greater(9), i),
    tf.gatherND(x, i.slice([0, 0], [-1, 1])),
    tf.gatherND(x, i.reshape([2, 1, 2])),
    tf.gatherND(x, i.concat(i, 1).slice([0, 0], [-1, 3])),
    tf.gatherND(x, tf.zeros([2, 0], 'int32')),
  ]),
  scatterND: of({ i: i32([1, 3, 1], [3, 1]), u: ints(3, 3), f: halves(3, 3) }, ({ i, u, f }) => [
    tf.scatterND(i, f, [4, 3]),
    tf.scatterND(i, u, [4, 3]),
    tf.scatterND(i.flatten(), f, [5, 3]),
    tf.scatterND(i.concat(i, 1), f.slice([0, 0], [3, 1]).flatten(), [4, 4]),
  ]),
  tensorScatterUpdate: of(
    {
      x: x34,
      i: i32([1, 2, 2, 0, 1, 2, 0, 0], [4, 2]),
      u: f32([1, 2, 3, 4]),
      rows: i32([1, 2, 1], [3, 1]),
    },
    ({ x, i, u, rows }) => [
      // TensorFlow.js writes into its operand.
      tf.tensorScatterUpdate(x.add(0), i, u),
      tf.tensorScatterUpdate(x.toInt().add(tf.scalar(0, 'int32')), i, u.toInt()),
      tf.tensorScatterUpdate(x.mul(1), rows, x.mul(2)),
    ],
  ),
  sparseToDense: of({ i: i32([1, 2, 3, 0, 1, 1], [3, 2]), u: f32([1, 2, 3]) }, ({ i, u }) => [
    tf.sparseToDense(i, u, [4, 3], 7),
    tf.sparseToDense(i, tf.scalar(5), [4, 3]),
    tf.sparseToDense(i.slice([0, 0], [3, 1]).flatten(), u, [5]),
  ]),
  unsortedSegmentSum: of(
    { x: halves(6, 2), n: ints(6, 2), ids: i32([0, -1, 2, 5, 0, 1]) },
    ({ x, n, ids }) => [
      tf.unsortedSegmentSum(x as tf.Tensor2D, ids as tf.Tensor1D, 3),
      tf.unsortedSegmentSum(n as tf.Tensor2D, ids as tf.Tensor1D, 3),
      tf.unsortedSegmentSum(x.flatten().slice(0, 6) as tf.Tensor1D, ids as tf.Tensor1D, 7),
      tf.unsortedSegmentSum(x as tf.Tensor2D, tf.tensor1d([2, 2, 0, -1, 9, 1], 'int32'), 3),
    ],
  ),
  'gradient of unsortedSegmentSum': of({ x: halves(6, 2), ids: i32([0, -1, 2, 5, 0, 1]) }, ({ x, ids }) =>
    tf.grad((y) =>
      tf
        .unsortedSegmentSum(y as tf.Tensor2D, ids as tf.Tensor1D, 6)
        .square()
        .sum(),
    )(x),
  ),
  bincount: of({ x: i32([1, 2, 1, 8, 0]), w: halves(5) }, ({ x, w }) => [
    tf.bincount(x as tf.Tensor1D, w as tf.Tensor1D, 4),
    tf.bincount(x as tf.Tensor1D, tf.tensor1d([]), 3),
    tf.bincount(x as tf.Tensor1D, tf.tensor1d([], 'int32'), 9),
    tf.denseBincount(x as tf.Tensor1D, w as tf.Tensor1D, 4),
  ]),
  denseBincount: of({ x: i32([1, 2, 1, 8, 0, 0], [2, 3]), w: halves(2, 3) }, ({ x, w }) => [
    tf.denseBincount(x as tf.Tensor2D, w as tf.Tensor2D, 4),
    tf.denseBincount(x as tf.Tensor2D, w as tf.Tensor2D, 4, true),
    tf.denseBincount(x as tf.Tensor2D, tf.tensor2d([], [0, 0]), 3),
  ]),
  searchSorted: of(
    { s: f32([1, 2, 2, 5, 9, -1, 0, 0, 0, 3], [2, 5]), v: f32([2, 0, 10, 0, 3, 4], [2, 3]) },
    ({ s, v }) => [
      tf.searchSorted(s, v),
      tf.searchSorted(s, v, 'right'),
      tf.lowerBound(s, v),
      tf.upperBound(s.toInt(), v.toInt()),
    ],
  ),
  'one-hot': of({ i: i32([0, -1, 2, 5, 2147483647, 1]) }, ({ i }) => [
    tf.oneHot(i, 3),
    tf.oneHot(i, 3, 1, 0, 'float32'),
    tf.oneHot(i, 4, 2, -1, 'float32'),
    tf.oneHot(i, 2, 1, 0, 'bool'),
    tf.oneHot(i.reshape([2, 3]), 5, 0, 1, 'bool'),
    tf.oneHot(i, 4, 3, 7),
    tf.oneHot(i.slice(0, 1).reshape([]), 3),
  ]),
  'confusion matrix': of({ i: i32([0, 1, 2, 1, 1]), j: i32([0, 2, 2, 1, 1]) }, ({ i, j }) =>
    tf.math.confusionMatrix(i as tf.Tensor1D, j as tf.Tensor1D, 3),
  ),
  'products of integers': of({ a: ints(3, 4) }, ({ a }) => [
    tf.matMul(a, a, true),
    tf.matMul(a, a, false, true),
    tf.matMul(a, a.transpose()),
    tf.matMul(a.reshape([3, 2, 2]), a.reshape([3, 2, 2]), true, true),
  ]),
  'cumulative sums': of({ n: ints(3, 4) }, ({ n }) => [
    n.cumsum(0),
    n.cumsum(1, true),
    n.cumsum(1, false, true),
    n.greater(3).cumsum(1, true, true),
    n.reshape([1, 3, 2, 1, 2]).cumsum(2),
  ]),
  'cumulative sums of large integers': of({ n: LARGE }, ({ n }) => n.slice(0, 1).cumsum(1)),
  'cumulative products': of({ n: ints(3, 4) }, ({ n }) => [
    tf.cumprod(n, 0),
    tf.cumprod(n, 1, true),
    tf.cumprod(n, 1, false, true),
    tf.cumprod(n.greater(1), 1, true, true),
  ]),
  'cumulative products of floats': of(
    { x: x34 },
    ({ x }) => [tf.cumprod(x, 1), tf.cumprod(x, 0, true), tf.cumprod(x.flatten(), 0, false, true)],
    { tolerance: { absolute: 1e-6, relative: 1e-6 } },
  ),
  'places of extremes': of({ n: ints(3, 4), x: x34 }, ({ n, x }) => [
    ...[0, 1, -1].flatMap((axis) => [n.argMax(axis), n.argMin(axis)]),
    n.greater(4).argMax(1),
    n.greater(4).argMin(0),
    x.argMax(),
    x.mul(0).argMin(1),
  ]),
  'places of extremes of large integers': of({ n: LARGE }, ({ n }) => [
    n.argMax(1),
    n.argMin(0),
    n.argMin(1),
  ]),
  'places of extremes beside NaN': of(
    {
      x: f32(
        [3, Number.NaN, 2, 5, Number.NaN, 3, 2, 9, 1, Number.NaN, Number.NaN, Number.NaN].concat([
          Number.NEGATIVE_INFINITY,
          Number.NaN,
          Number.NEGATIVE_INFINITY,
          Number.NaN,
        ]),
        [4, 4],
      ),
    },
    ({ x }) => [
      x.argMax(1),
      x.argMin(1),
      x.argMax(0),
      x.argMin(0),
      x.neg().argMin(1),
      ...tf.unstack(x).flatMap((row) => [row.argMax(), row.argMin()]),
      x.reshape([1, 16]).argMax(1),
      x.flatten().argMin(),
    ],
  ),
  topk: of({ x: f32([3, 1, 3, 1, 5, 9, 5, 9, 0, 2, 0, 2], [3, 4]), n: LARGE }, ({ x, n }) =>
    [x, n, n.greater(3)].flatMap((t) =>
      [1, 3, 4].flatMap((k) => {
        const { values, indices } = tf.topk(t, k);
        return [values, indices];
      }),
    ),
  ),
  'topk, unsorted': of({ x: x34 }, ({ x }) => {
    const { values, indices } = tf.topk(x, 4, false);
    return [values, indices];
  }),
  'topk of which one output is used': of({ x: x34 }, ({ x }) => [
    tf.topk(x, 2).indices,
    tf.topk(x.flatten(), 5).values,
  ]),
  'bands of matrices': of({ x: x345 }, ({ x }) => [
    tf.linalg.bandPart(x, 1, 0),
    tf.linalg.bandPart(x.slice(0, 1).squeeze([0]), -1, 1),
  ]),
  moments: of(
    { x: x34 },
    ({ x }) => {
      const { mean, variance } = tf.moments(x, 1);
      return [mean, variance];
    },
    { tolerance: { absolute: 1e-6, relative: 1e-6 } },
  ),
  atan2: of(
    {
      x: f32([0, -0, 1, -1, 3, -2, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN]),
      n: i32([3, -2, 0, -5]),
    },
    ({ x, n }) => [
      tf.atan2(x.reshape([9, 1]), x),
      tf.atan2(n, n.reverse()),
      ...tf.grads((a, b) => tf.atan2(a, b).sum().asScalar())([x.slice(2, 4), x.slice(2, 4).reverse()]),
    ],
    { tolerance: { absolute: 1e-6, relative: 1e-6 } },
  ),
  bitwiseAnd: of({ n: LARGE }, ({ n }) => tf.bitwiseAnd(n, n.reverse())),
  'parts as booleans': of(
    { x: f32([0, 1, 0.5, Number.NaN, 0, -0, 0.2, -1, 3, 0, 1e-30, 9], [3, 4]) },
    ({ x }) => [x.slice([1, 0], [1, 4]).toBool(), tf.split(x, [1, 1, 2], 1)[2]!.toBool(), x.toBool()],
  ),
};

test.each(Object.entries(CASES))('%s', (_name, example) => expectSame(example));

test('all of it exported', () => expectSameExported(CASES));

const INDEXED: Record<string, (x: tf.Tensor, i: tf.Tensor) => tf.Tensor> = {
  GatherV2: (x, i) => x.gather(i, 1),
  'GatherV2 by batch': (x, i) => x.gather(i.reshape([1, 2]).tile([3, 1]), 1, 1),
  GatherNd: (x, i) => tf.gatherND(x.transpose(), i.reshape([2, 1])),
  ScatterNd: (x, i) => tf.scatterND(i.reshape([2, 1]), x.slice(0, 2), [4, 4]),
  TensorScatterUpdate: (x, i) =>
    tf.tensorScatterUpdate(x.transpose(), i.reshape([2, 1]), x.slice([0, 0], [2, 3])),
};

test.each(Object.entries(INDEXED))('%s: an index that is outside is an error', async (_name, op) => {
  const inputs = { x: x34, i: i32([0, 3]) };
  for (const engine of await tracingEngines()) {
    const program = await compile(
      (state: Tensors, { x, i }: Record<'x' | 'i', tf.Tensor>) => ({
        state,
        outputs: { y: op(x, i) } as Tensors,
      }),
      { state: {}, inputs },
      { engine },
    );
    await program.run(inputs);
    for (const wrong of [-1, 4, 2 ** 31 - 1, -(2 ** 31)]) {
      const run = program.run({ ...inputs, i: i32([1, wrong]) });
      await expect(run).rejects.toThrow(
        /is not in \[0, 3\]|out of data bounds|invalid indi?ce|invalid index/,
      );
    }
    await program.run(inputs);
    await program.dispose();
  }
  const step = (state: Tensors, { x }: Record<'x', tf.Tensor>) => ({
    state,
    outputs: { y: op(x, tf.tensor1d([0, 4], 'int32')) } as Tensors,
  });
  // Constant ones are known before a run, unless they are made on the way.
  const compiled = compile(step, { state: {}, inputs: { x: x34 } }, { engine: 'onnxruntime' });
  await expect(compiled.then((program) => program.run({ x: x34 }))).rejects.toThrow(
    /the index value 4 is not in \[0, 3\]|invalid index/,
  );
});

test('a count of a negative number is an error', async () => {
  const inputs = { x: i32([0, -1]) };
  for (const engine of await tracingEngines()) {
    const program = await compile(
      (state: Tensors, { x }: Record<'x', tf.Tensor>) => ({
        state,
        outputs: { y: tf.bincount(x as tf.Tensor1D, tf.tensor1d([]), 3) } as Tensors,
      }),
      { state: {}, inputs },
      { engine },
    );
    await expect(program.run(inputs)).rejects.toThrow(/Bincount: the index value -1|invalid indice/);
    await program.dispose();
  }
});
