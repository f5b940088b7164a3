import * as tf from '@tensorflow/tfjs';

/** The rows and columns in which a buffer was first the right operand of a product. */
const rightShapes = new WeakMap<object, string>();

/**
 * One matrix by another through XNNPACK, whatever is transposed; many by many as before.
 *
 * The backend keeps a right operand as XNNPACK has packed it by buffer alone, so that the same buffer reshaped gave the
 * product with its first shape: here it gets a buffer of its own. And where an operand is transposed it does not use
 * XNNPACK at all but a scalar loop, an order of magnitude slower.
 * Reference: tensorflow/tfjs tfjs-backend-wasm/src/cc/batch_mat_mul_impl.cc @0038b72.
 */
export const matrixProduct =
  (original: tf.KernelFunc): tf.KernelFunc =>
  ({ inputs, attrs, backend }) => {
    const { a, b } = inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
    if (!isOneMatrix(a) || !isOneMatrix(b)) return original({ inputs, attrs, backend });

    const made: tf.TensorInfo[] = [];
    const run = (kernelName: string, x: tf.TensorInfo, attributes = {}): tf.TensorInfo => {
      const { kernelFunc } = tf.getKernel(kernelName, 'wasm');
      const result = kernelFunc({ inputs: { x }, attrs: attributes, backend }) as tf.TensorInfo;
      made.push(result);
      return result;
    };
    const transposed = (x: tf.TensorInfo) => run('Transpose', x, { perm: swappedLastAxes(x.shape.length) });
    const inItsShape = (x: tf.TensorInfo) => {
      const shape = x.shape.slice(-2).join();
      if (!rightShapes.has(x.dataId)) rightShapes.set(x.dataId, shape);
      return rightShapes.get(x.dataId) === shape ? x : run('Identity', x);
    };
    const { transposeA, transposeB, ...others } = attrs as { transposeA: boolean; transposeB: boolean };
    const product = original({
      inputs: { ...inputs, a: transposeA ? transposed(a) : a, b: transposeB ? transposed(b) : inItsShape(b) },
      attrs: { ...others, transposeA: false, transposeB: false },
      backend,
    });
    for (const { dataId } of made) (backend as tf.KernelBackend).disposeData(dataId);
    return product;
  };

const isOneMatrix = ({ shape }: tf.TensorInfo) => shape.slice(0, -2).every((size) => size === 1);

function swappedLastAxes(rank: number): number[] {
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  return [...axes.slice(0, -2), rank - 1, rank - 2];
}
