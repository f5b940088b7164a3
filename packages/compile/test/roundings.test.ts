/** What a program rounds away, or lets run over, on its way stays away. */
import * as tf from '@tensorflow/tfjs';
import { CLOSE, expectSame, given } from './expectSame';
import { f32 } from './hostTensors';

const x = f32([1.4, 2.6, -3.3, 7.5, 1e-8, 0]);
const large = () => tf.tensor1d([1e8, -1e8, 1e8, 2e8, 1e8, 1]);

const PROGRAMS: Record<string, (x: tf.Tensor) => tf.Tensor> = {
  'to whole numbers by a large one': (v) => v.add(12582912).sub(12582912),
  'a difference and a sum': (v) => v.sub(1e8).add(1e8),
  'a large number minus, and minus that': (v) => tf.sub(1e8, v).sub(1e8),
  'two sums that cancel': (v) => v.add(1e8).add(-1e8),
  'sums with vectors': (v) => v.add(large()).sub(large()),
  'what 1 leaves of a small number': (v) => v.add(1).sub(1),
  'a sum that is scaled, and scaled back': (v) => v.add(1e8).mul(0.5).sub(5e7),
  'products too small on the way': (v) => v.mul(1e-30).mul(1e-30).mul(1e30).mul(1e30),
  'products too large on the way': (v) => v.mul(1e30).mul(1e30).mul(1e-30),
  'quotients too small on the way': (v) => v.div(1e30).div(1e30).mul(1e30).mul(1e30),
  'powers of one': (v) => tf.pow(tf.tensor1d([1, -1, 2, 1, -1, 1]), v.mul(Number.POSITIVE_INFINITY)),
};
test.each(Object.entries(PROGRAMS))('%s', (_name, f) => expectSame(given({ x }, ({ x: v }) => f(v), CLOSE)));

describe('sums of a residual path between a reshape and the one back', () => {
  const shape = [2, 5, 8];
  const numbers = (length: number) => Array.from({ length }, (_, i) => Math.sin(3 * i + 1));
  const inputs = {
    x: f32(numbers(80), shape),
    y: f32(numbers(80).reverse(), shape),
    p: f32(numbers(80), [10, 8]),
    w: f32(numbers(64), [8, 8]),
  };
  type Tensors = Record<string, tf.Tensor>;
  const SUMS: Record<string, (x: Tensors) => tf.Tensor> = {
    'of a product': ({ x, y, p, w }) =>
      x!.mul(y!).add(p!.matMul(w!).reshape(shape)).add(y!).reshape([10, 8]).matMul(w!),
    'of a ReLU, then a softmax': ({ x, y, p, w }) =>
      x!.relu().add(p!.matMul(w!).reshape(shape)).add(y!).reshape([10, 8]).softmax(),
    'gradients of two projections': ({ x, w }) =>
      tf.grad((z) => {
        const projected = (m: tf.Tensor) => z.reshape([10, 8]).matMul(m).reshape(shape);
        return projected(w!).add(projected(w!.transpose())).add(z).square().sum();
      })(x!),
  };
  test.each(Object.entries(SUMS))('%s', (_name, f) => expectSame(given(inputs, f, CLOSE)));
});
