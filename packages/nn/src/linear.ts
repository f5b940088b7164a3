import * as tf from '@tensorflow/tfjs';
import { geluAgain, geluOf } from './gelu';
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
  return finish(x, weight, bias, () => product(toRows(x), weight));
}

/**
 * A fully connected layer of what has gone through `gelu`: the second one of a transformer's MLP. For the gradient it
 * keeps `x` alone: where the slope of the GELU is computed, its value costs one multiplication more, and to keep it, too,
 * would take the most memory of all that a block keeps.
 *
 * @param x `[..., in]`, before the GELU
 * @param weight `[out, in]`
 * @param bias `[out]`
 * @returns `linear(gelu(x), weight, bias)`, `[..., out]`
 * @throws RangeError when the widths do not fit
 */
export function geluLinear(x: tf.Tensor, weight: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  const product = tf.customGrad((input, w, save) => {
    const [xs, ws] = [input as tf.Tensor, w as tf.Tensor2D];
    (save as tf.GradSaveFunc)([xs, ws]);
    return {
      value: tf.matMul(toRows(geluOf(xs)), ws, false, true),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const w2 = saved[1] as tf.Tensor2D;
        const { slope, value } = geluAgain(toRows(saved[0]!));
        const dx = tf.mul(tf.matMul(dy as tf.Tensor2D, w2), slope);
        return [tf.reshape(dx, xs.shape), tf.matMul(dy as tf.Tensor2D, value as tf.Tensor2D, true, false)];
      },
    };
  });
  return finish(x, weight, bias, () => product(x, weight));
}

/** The rows of a product with the weight, plus bias, as `x` has its axes. */
function finish(
  x: tf.Tensor,
  weight: tf.Tensor,
  bias: tf.Tensor | undefined,
  product: () => tf.Tensor,
): tf.Tensor {
  if (weight.rank !== 2 || weight.shape[1] !== x.shape.at(-1)) {
    throw new RangeError(
      `linear weight is [${weight.shape}]; expected [out, ${x.shape.at(-1)}] for input [${x.shape}].`,
    );
  }
  const rows = product();
  return tf.reshape(bias ? addBias(rows, bias) : rows, [...x.shape.slice(0, -1), weight.shape[0]!]);
}

/** `[rows, width]` plus `[width]`. */
const addBias = (y: tf.Tensor, bias: tf.Tensor): tf.Tensor =>
  tf.customGrad((a, b) => ({
    value: tf.add(a as tf.Tensor, b as tf.Tensor),
    gradFunc: (dy: tf.Tensor) => [dy, sumRows(dy)],
  }))(y, bias);
