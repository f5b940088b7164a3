import * as tf from '@tensorflow/tfjs';
import { compile } from '../src';
import { cpuRules } from '../src/engines/onnxruntime/cpuRules';
import { countOps } from '../src/graph/printGraph';
import { optimize, rewrite } from '../src/passes/optimize';
import { trace } from '../src/record/trace';
import { expectSameSteps } from './expectSameSteps';
import { numbers } from './hostTensors';
import type { OfTensors } from './ofTensors';

tf.enableProdMode();
type Tensors = Record<string, tf.Tensor>;
type Program<N extends string> = (tensors: Record<N, tf.Tensor>) => tf.Tensor;

const stepOf = (f: OfTensors<tf.Tensor>) => (state: Tensors, inputs: Tensors) => ({
  state,
  outputs: { y: f(inputs) },
});

/** The ops of a program as the CPU gets it, and whether it still computes what it did. */
async function rewritten<N extends string>(f: Program<N>, shapes: Record<N, readonly number[]>) {
  const inputs = Object.fromEntries(
    Object.entries<readonly number[]>(shapes).map(([name, shape], i) => [name, numbers(shape, i)]),
  );
  await expectSameSteps(stepOf(f), {}, inputs, { steps: 1, tolerance: { ofLargest: 5e-5 } });
  const specs = Object.entries(inputs).map(
    ([name, { shape }]) => [name, { dtype: 'float32', shape }] as const,
  );
  const { Input, Constant, Reshape, ...ops } = countOps(
    rewrite(optimize(trace(stepOf(f), {}, Object.fromEntries(specs)).graph), cpuRules),
  );
  return ops;
}

describe('a product with its first matrix transposed', () => {
  const product: Program<'a' | 'b'> = ({ a, b }) => tf.matMul(a, b, true);
  test('is one of matrices as they are: the smaller one is turned', async () => {
    expect(await rewritten(product, { a: [300, 260], b: [300, 700] })).toEqual({ Transpose: 1, MatMul: 1 });
    expect(await rewritten(product, { a: [900, 700], b: [900, 260] })).toEqual({ Transpose: 2, MatMul: 1 });
  });
  test('with the second one transposed, too', async () => {
    const both: Program<'a' | 'b'> = ({ a, b }) => tf.matMul(a, b, true, true);
    expect(await rewritten(both, { a: [300, 700], b: [260, 300] })).toEqual({ Transpose: 1, MatMul: 1 });
    expect(await rewritten(both, { a: [300, 260], b: [700, 300] })).toEqual({ Transpose: 1, MatMul: 1 });
  });
  test('stays where it is small, and in batches', async () => {
    expect(await rewritten(product, { a: [300, 40], b: [300, 30] })).toEqual({ MatMul: 1 });
    expect(await rewritten(product, { a: [2, 300, 300], b: [2, 300, 300] })).toEqual({ MatMul: 1 });
  });
});

describe('sums', () => {
  test('over the first axes are products', async () => {
    expect(await rewritten(({ x }) => x.sum(0), { x: [20, 300] })).toEqual({ MatMul: 1 });
    expect(await rewritten(({ x }) => x.sum([0, 1], true), { x: [4, 5, 300] })).toEqual({ MatMul: 1 });
  });
  test('over others, or few, are not', async () => {
    expect(await rewritten(({ x }) => x.sum(1), { x: [20, 300] })).toEqual({ ReduceSum: 1 });
    expect(await rewritten(({ x }) => x.sum([0, 2]), { x: [20, 20, 300] })).toEqual({ ReduceSum: 1 });
    expect(await rewritten(({ x }) => x.sum(0), { x: [3, 300] })).toEqual({ ReduceSum: 1 });
  });
  test('of squares write no squares', async () => {
    expect(await rewritten(({ x }) => x.square().sum(), { x: [20, 30] })).toEqual({ ReduceSumSquare: 1 });
    expect(await rewritten(({ x }) => x.square().sum(1), { x: [20, 30] })).toEqual({ Mul: 1, ReduceSum: 1 });
  });
});

describe('rows that lie a multiple of 4 KiB apart', () => {
  test('are spread, and so are those that they meet', async () => {
    const spread = { Pad: 2, MatMul: 1 };
    expect(await rewritten(({ a, b }) => tf.matMul(a, b), { a: [600, 1024], b: [1024, 500] })).toEqual(
      spread,
    );
    const turned: Program<'a' | 'b'> = ({ a, b }) => tf.matMul(a, b, false, true);
    expect(await rewritten(turned, { a: [600, 1024], b: [500, 1024] })).toEqual(spread);
  });
  test('stay where few products are made of them', async () => {
    expect(await rewritten(({ a, b }) => tf.matMul(a, b), { a: [400, 1024], b: [1024, 40] })).toEqual({
      MatMul: 1,
    });
  });
});

test('numbers meet filters of 1x1 with as many axes', async () => {
  const f: Program<'x' | 's'> = ({ x, s }) => s.sub(x.mul(2)).add(s);
  expect(await rewritten(f, { x: [3, 4, 1, 1], s: [] })).toEqual({ Mul: 1, Sub: 1, Add: 1 });
});

test('the gradient of a ReLU is a product', async () => {
  const f: Program<'x' | 'y'> = ({ x, y }) => tf.grad((z: tf.Tensor) => z.relu().mul(y).sum())(x);
  expect(await rewritten(f, { x: [20, 30], y: [20, 30] })).toEqual({ HardSigmoid: 2, Mul: 1 });
});

test('the slope of a ReLU is 0 or 1 at the smallest numbers too, and none for NaN', async () => {
  const x = Float32Array.of(1e-45, -1e-45, 1e-39, 0, -0, Number.POSITIVE_INFINITY, Number.NaN, 3e-39);
  const program = await compile(
    (state: Tensors, { x }: Record<'x', tf.Tensor>) => ({
      state,
      outputs: { y: tf.grad((z) => z.relu())(x) },
    }),
    { state: {}, inputs: { x: { dtype: 'float32', shape: [8] } } },
    { engine: 'onnxruntime' },
  );
  const { y } = await program.run({ x: { dtype: 'float32', shape: [8], data: x } });
  expect([...y.data]).toEqual([1, 0, 1, 0, 0, 1, Number.NaN, 1]);
  await program.dispose();
});

test('a choice that keeps infinite numbers out stays one', async () => {
  const f: Program<'x'> = ({ x }) => tf.where(x.greater(0), x.log(), tf.zerosLike(x));
  expect(await rewritten(f, { x: [20, 30] })).toMatchObject({ Where: 1 });
});
