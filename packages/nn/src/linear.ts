import * as tf from '@tensorflow/tfjs';
import { sumRows, toRows } from './rows';

/**
 * A fully connected layer, as torch.nn.Linear: x times weight transposed, plus bias.
 *
 * Its gradient is written down as matrix products of flattened rows: TensorFlow.js's own does not sum over the
 * batch of an operand that was broadcast.
 *
 * @param x `[..., in]`
 * @param weight `[out, in]`
 * @param bias `[out]`
 * @returns `[..., out]`
 * @throws RangeError when the widths do not fit
 */
export function linear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  if (weight.rank !== 2 || weight.shape[1] !== x.shape.at(-1)) {
    throw new RangeError(
      `linear weight is [${weight.shape}]; expected [out, ${x.shape.at(-1)}] for input [${x.shape}].`,
    );
  }
  const [outputs] = weight.shape as [number, number];
  const product = tf.customGrad((rows, w, save) => {
    const [xs, ws] = [rows as tf.Tensor2D, w as tf.Tensor2D];
    (save as tf.GradSaveFunc)([xs, ws]);
    return {
      value: tf.matMul(xs, ws, false, true),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x2, w2] = saved as [tf.Tensor2D, tf.Tensor2D];
        return [tf.matMul(dy as tf.Tensor2D, w2), tf.matMul(dy as tf.Tensor2D, x2, true, false)];
      },
    };
  });
  const y = product(toRows(x), weight);
  return tf.reshape(bias ? addBias(y, bias) : y, [...x.shape.slice(0, -1), outputs]);
}

/** `[rows, width]` plus `[width]`. */
const addBias = (y: tf.Tensor, bias: tf.Tensor): tf.Tensor =>
  tf.customGrad((a, b) => ({
    value: tf.add(a as tf.Tensor, b as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => [dy, sumRows(dy)],
  }))(y, bias);
