import * as tf from '@tensorflow/tfjs';
import { compile, trace } from '../src';
import { optimize } from '../src/passes/optimize';
import { tracingEngines } from './compiledEngines';
import { type Case, expectSame, given } from './expectSame';
import { expectSameExported } from './expectSameExported';
import { f32, i32 } from './hostTensors';

type Tensors = Record<string, tf.Tensor>;

const x = f32(
  Array.from({ length: 12 }, (_, i) => i + 0.5),
  [3, 4],
);
const rows = f32([], [0, 4]);
const columns = f32([], [3, 0]);
const none = i32([], [0, 4]);
const of = (
  op: (x: Record<'x' | 'rows' | 'columns' | 'none', tf.Tensor>) => ReturnType<Case['op']>,
  rest: Partial<Case> = {},
): Case => given({ x, rows, columns, none }, op, rest);

const CASES: Record<string, Case> = {
  'as they came': of(({ rows, columns, none }) => [rows, columns, none]),
  'beside others': of(({ x, rows }) => [rows.add(1), x.add(1)]),
  elementwise: of(({ x, rows, none }) => [
    rows.mul(rows),
    none.toFloat().sqrt(),
    rows.greater(1),
    rows.add(x.slice(0, 1)),
    rows.softmax(),
    tf.where(rows.greater(0), rows, 1),
  ]),
  concat: of(({ x, rows, columns }) => [
    tf.concat([rows, x]),
    tf.concat([x, columns], 1),
    tf.concat([rows, rows]),
    tf.concat([x, rows, x]),
  ]),
  pad: of(({ rows, columns, none }) => [
    rows.pad(
      [
        [1, 2],
        [0, 0],
      ],
      3,
    ),
    columns.pad(
      [
        [0, 0],
        [1, 1],
      ],
      -1,
    ),
    none.pad(
      [
        [1, 0],
        [0, 0],
      ],
      5,
    ),
  ]),
  reductions: of(({ rows, columns }) => [
    rows.sum(),
    rows.sum(0),
    rows.sum(1),
    rows.toInt().sum(0),
    columns.sum(1, true),
    columns.prod(1),
    columns.mean(),
    columns.mean(1),
    columns.max(1),
    columns.min(1),
    columns.toInt().max(1),
    columns.toInt().prod(1),
    columns.greater(0).any(1),
    columns.greater(0).all(1),
    columns.argMax(1),
    columns.argMin(0),
    rows.norm(),
  ]),
  'matrix products': of(({ x, rows, columns }) => [
    tf.matMul(columns, rows),
    tf.matMul(rows, x, false, true),
    tf.matMul(rows, rows, true),
  ]),
  'convolution and pooling': of(({ x }) => {
    const images = tf.zeros([0, 4, 4, 2]).add(x.sum()) as tf.Tensor4D;
    return [
      tf.conv2d(images, tf.ones([3, 3, 2, 5]) as tf.Tensor4D, 1, 'same'),
      tf.maxPool(images, 2, 2, 'same'),
      tf.grad((w) => tf.conv2d(images, w as tf.Tensor4D, 1, 'same').sum())(tf.ones([3, 3, 2, 5])),
    ];
  }),
  indices: of(({ x, rows }) => [
    x.gather(tf.tensor1d([], 'int32')),
    x.gather(tf.zeros([0, 2], 'int32'), 1),
    rows.gather(tf.tensor1d([1], 'int32'), 1),
    tf.scatterND(tf.zeros([0, 1], 'int32'), tf.zeros([0, 3]), [4, 3]),
    tf.tensorScatterUpdate(x.add(0), tf.zeros([0, 1], 'int32'), tf.zeros([0, 4])),
    tf.oneHot(tf.tensor1d([], 'int32'), 3),
    tf.topk(rows, 2).values,
    tf.topk(rows, 2).indices,
    tf.topk(x, 0).values,
    tf.topk(x, 0).indices,
  ]),
  'sums by segment': of(
    ({ rows }) => tf.unsortedSegmentSum(rows as tf.Tensor2D, tf.tensor1d([], 'int32'), 3),
    {
      // TensorFlow.js mistakes an empty mask for a full one.
      expected: { y: f32(new Array(12).fill(0), [3, 4]) },
    },
  ),
  moves: of(({ x, rows }) => [
    x.slice([1, 1], [0, 2]),
    x.slice(3),
    rows.slice([0, 1], [0, 2]),
    x.stridedSlice([2, 0], [2, 4], [1, 2]),
    x.stridedSlice([2, 0], [1, 4], [1, 2]),
    ...tf.split(x, [0, 4], 1),
    rows.reverse(),
    rows.tile([2, 2]),
    x.tile([0, 1]),
    rows.transpose(),
    rows.reshape([2, 0, 3]),
    rows.cumsum(0),
    tf.cumprod(rows, 1),
    tf.stack([rows, rows]),
    ...tf.unstack(rows, 1),
    tf.fill([0, 3], 2),
    tf.range(3, 3),
    tf.zeros([0]).concat(x.flatten()),
  ]),
  gradients: of(({ x, rows }) => [
    tf.grad((y) => tf.concat([y, rows]).square().sum())(x),
    tf.grad((y) => tf.concat([y, x]).square().sum())(rows),
    tf.grad((y) => y.slice([1, 0], [0, 4]).sum())(x),
  ]),
};

test.each(Object.entries(CASES))('%s', (_name, example) => expectSame(example));

test('all of it exported', () => expectSameExported(CASES));

test('no op is left that takes or makes one', () => {
  const step = (state: Tensors, { x, rows }: Record<'x' | 'rows', tf.Tensor>) => ({
    state,
    outputs: { y: tf.concat([rows.relu(), x]), z: rows.add(1) } as Tensors,
  });
  const { nodes } = optimize(trace(step, {}, { x, rows }).graph);
  const touching = nodes.filter(({ inputs, outputs }) =>
    [...inputs, ...outputs].some(({ shape }) => shape.includes(0)),
  );
  expect(new Set(touching.map(({ op }) => op))).toEqual(new Set(['Input', 'Constant']));
});

test('state without elements, beside other state and alone', async () => {
  const step = (
    { some, nothing }: Record<'some' | 'nothing', tf.Tensor>,
    { rows }: Record<'rows', tf.Tensor>,
  ) => ({
    state: { some: some.add(1), nothing: nothing.mul(2).add(rows) },
    outputs: {},
  });
  const alone = ({ nothing }: Record<'nothing', tf.Tensor>, { rows }: Record<'rows', tf.Tensor>) => ({
    state: { nothing: nothing.add(rows) },
    outputs: { y: rows.mul(2) },
  });
  for (const engine of await tracingEngines()) {
    const program = await compile(step, { state: { some: x, nothing: rows }, inputs: { rows } }, { engine });
    await program.run({ rows });
    await program.writeState(await program.readState());
    await program.run({ rows });
    const state = await program.readState();
    expect(state.nothing).toEqual(rows);
    expect([...state.some.data]).toEqual([...x.data].map((value) => value + 2));
    await program.dispose();

    const empty = await compile(alone, { state: { nothing: rows }, inputs: { rows } }, { engine });
    expect(await empty.run({ rows })).toEqual({ y: rows });
    expect(await empty.readState()).toEqual({ nothing: rows });
    await empty.dispose();
  }
});

test('a gather from nothing is an error', () => {
  const step = (state: Tensors, { rows, i }: Record<'rows' | 'i', tf.Tensor>) => ({
    state,
    outputs: { y: rows.gather(i) } as Tensors,
  });
  expect(() => optimize(trace(step, {}, { rows, i: i32([0, 1]) }).graph)).toThrow(
    "The op 'Gather' can't make [2,4] of tensors [0,4], [2].",
  );
});
