import * as tf from '@tensorflow/tfjs';
import { countOps, encodeOnnx, optimize, printGraph, toOnnx, trace } from '../src';

tf.enableProdMode();
type Tensors = Record<string, tf.Tensor>;

function optimized(f: (x: tf.Tensor) => tf.Tensor, shape = [2, 6, 4, 3]) {
  const inputs = { x: { dtype: 'float32', shape } } as const;
  const { graph } = trace(
    (state: Tensors, { x }: Record<'x', tf.Tensor>) => ({ state, outputs: { y: f(x) } }),
    {},
    inputs,
  );
  return optimize(graph);
}
const ops = (f: (x: tf.Tensor) => tf.Tensor, shape?: number[]) => countOps(optimized(f, shape));

test('dead code is removed', () => {
  expect(
    ops((x) => {
      x.exp();
      return x.neg();
    }),
  ).toEqual({ Input: 1, Neg: 1 });
});
test('common subexpressions are computed once', () => {
  expect(ops((x) => x.exp().add(x.exp()))).toEqual({ Input: 1, Exp: 1, Add: 1 });
});
test('constants are folded', () => {
  const graph = optimized((x) =>
    x.add(
      tf
        .scalar(2)
        .square()
        .add(tf.tensor1d([1, 2, 3]).sum()),
    ),
  );
  expect(countOps(graph).Add).toBe(2);
  expect(ops((x) => x.mul(tf.tensor1d([1, 2, 3]).mul(2).reverse()))).toEqual({
    Input: 1,
    Constant: 1,
    Mul: 1,
  });
});
test('transposes of channels-last programs cancel between convolutions', () => {
  const filter = () => tf.ones([3, 3, 3, 3]) as tf.Tensor4D;
  const counts = ops((x) => {
    let h = tf.conv2d(x as tf.Tensor4D, filter(), 1, 'same');
    for (let i = 0; i < 4; i++)
      h = tf
        .conv2d(h.relu() as tf.Tensor4D, filter(), 1, 'same')
        .add(tf.tensor1d([1, 2, 3]))
        .mul(0.5)
        .add(h);
    return tf.maxPool(h, 2, 2, 'valid').sum([1, 2]);
  });
  expect(counts.Conv).toBe(5);
  expect(counts.Transpose).toBe(1);
});
test('a transpose goes into the matrix product', () => {
  expect(ops((x) => tf.matMul(x.transpose(), x), [3, 4])).toEqual({ Input: 1, MatMul: 1 });
});
test('the gradient of a mean needs no tensor of ones', () => {
  expect(ops((x) => tf.grad((z: tf.Tensor) => z.mean())(x)).Mul).toBeUndefined();
});
test('neutral elements and scales', () => {
  expect(ops((x) => x.add(0).mul(1).div(1).sub(0).mul(2).mul(3))).toEqual({ Input: 1, Constant: 1, Mul: 1 });
  expect(ops((x) => x.neg().neg())).toEqual({ Input: 1 });
});
test('the gradient of a ReLU is a product with its slope: what it multiplies may be infinite or no number', () => {
  const { Step, Where } = ops((x) => tf.grad((z: tf.Tensor) => z.relu().mul(z.exp()).sum())(x));
  expect({ Step, Where }).toEqual({ Step: 1 });
});
test('scales are merged where their product is an ordinary number', () => {
  expect(ops((x) => x.mul(3).mul(0.5)).Mul).toBe(1);
  expect(ops((x) => x.mul(1e-30).mul(1e-30)).Mul).toBe(2);
  expect(ops((x) => x.mul(1e30).mul(1e30)).Mul).toBe(2);
});
describe('normalizations of channels', () => {
  const shape = [4, 8, 8, 3];
  const scale = () => tf.tensor1d([2, -3, 0.5]);
  const channels = [0, 1, 2];
  test('what is the same along the axes of a sum is multiplied once, after it', () => {
    const sums = ops((x) => {
      const y = x.exp();
      return tf.stack([
        y.mul(x).sum(channels),
        y.mul(scale()).mul(x).sum(channels),
        x.div(scale()).mul(y.mul(4)).sum(channels),
        tf
          .mul(y, tf.tile(scale().reshape([1, 1, 1, 3]), [4, 8, 8, 1]))
          .mul(x)
          .sum(channels),
      ]);
    }, shape);
    expect({ sums: sums.ReduceSum, large: sums.Tile ?? 0 }).toEqual({ sums: 1, large: 0 });
    // Where it could change little.
    expect(ops((x) => x.mul(scale()).sum(channels), [2, 2, 2, 3]).Mul).toBe(1);
  });
  test('deviations from the mean have no sum', () => {
    const counts = ops((x) => x.sub(x.mean(channels, true)).sum(channels), shape);
    expect([counts.ReduceMean, counts.ReduceSum]).toEqual([1, undefined]);
    expect(ops((x) => x.sub(x.mean([0, 1], true)).sum(channels), shape).ReduceSum).toBe(1);
    expect(ops((x) => x.exp().sub(x.mean(channels, true)).sum(channels), shape).ReduceSum).toBe(1);
  });
  test('a ReLU has one bound below, and its gradient too', () => {
    const counts = ops((x) => tf.grad((z: tf.Tensor) => z.relu().clipByValue(0, 6))(x), shape);
    expect([counts.Max, counts.And, counts.GreaterOrEqual]).toEqual([undefined, undefined, undefined]);
    expect(ops((x) => x.relu().maximum(0.5), shape).Max).toBe(1);
    const [bounded] = optimized((x) => x.relu().maximum(tf.zeros([1, 1])), [3]).outputs.values();
    expect(bounded!.shape).toEqual([1, 3]);
    expect(ops((x) => x.exp().maximum(0), shape).Max).toBe(1);
  });
});
test('a graph prints one node a line and encodes as ONNX', () => {
  const graph = optimized((x) => tf.matMul(x, x, true), [3, 4]);
  expect(printGraph(graph)).toBe(
    [
      '%0: float32[3, 4] = Input() name=inputs/x',
      '%1: float32[4, 4] = MatMul(%0, %0) transposeA=true transposeB=false',
      'return outputs/y = %1',
    ].join('\n'),
  );
  const bytes = encodeOnnx(toOnnx(graph));
  expect(Buffer.from(bytes).includes('Gemm')).toBe(true);
});
