import * as tf from '@tensorflow/tfjs';

/** `x` with all but the last axis flattened: `[..., width]` to `[rows, width]`. */
export const toRows = (x: tf.Tensor): tf.Tensor2D => tf.reshape(x, [-1, x.shape.at(-1)!]);

/** The sum over all but the last axis, `[width]`: the gradient of what is added to every row. */
export const sumRows = (x: tf.Tensor): tf.Tensor1D => tf.sum(toRows(x), 0);

/**
 * Runs a kernel that only some backends have; `undefined` where the current one does not.
 * A backend that records programs offers fused kernels that an engine then runs as one op.
 */
export function fusedKernel(
  name: string,
  inputs: Record<string, tf.Tensor>,
  attributes: Record<string, number> = {},
): tf.Tensor | tf.Tensor[] | undefined {
  if (!tf.getKernel(name, tf.getBackend())) return undefined;
  return tf.engine().runKernel(name, inputs, attributes) as tf.Tensor | tf.Tensor[];
}
