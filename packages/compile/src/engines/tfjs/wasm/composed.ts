import * as tf from '@tensorflow/tfjs';

/**
 * A kernel written as ops. While a kernel runs, ops are not recorded for gradients, and a tidy frees what they make.
 *
 * @param f from the kernel's inputs and attributes to its result
 */
export function composed<A>(
  f: (inputs: Readonly<Record<string, tf.Tensor>>, attributes: A) => tf.Tensor,
): tf.KernelFunc {
  return ({ inputs, attrs, backend }) => {
    const result = tf.tidy(() => f(inputs as unknown as Record<string, tf.Tensor>, attrs as unknown as A));
    const { dataId, shape, dtype } = result;
    // The engine makes a tensor of its own of what a kernel returns: the buffer stays, this tensor goes.
    (backend as tf.KernelBackend).incRef(dataId);
    result.dispose();
    return { dataId, shape, dtype };
  };
}
