import * as tf from '@tensorflow/tfjs';
import { linear } from './linear';

/**
 * Transposed convolution whose kernel is as large as its stride, so that every pixel becomes a square of its own, as
 * torch.nn.functional.conv_transpose2d(x, weight, bias, stride=k).
 *
 * @param x `[batch, height, width, in]`
 * @param weight `[in, out, k, k]`, PyTorch's layout
 * @param bias `[out]`
 * @returns `[batch, height * k, width * k, out]`
 * @throws RangeError when ranks or channels do not fit, or the kernel is no square
 */
export function convTranspose2d(x: tf.Tensor, weight: tf.Tensor, bias: tf.Tensor): tf.Tensor4D {
  if (x.rank !== 4)
    throw new RangeError(`convTranspose2d input is [${x.shape}]; expected [batch, height, width, channels].`);
  const [batch, height, width, into] = x.shape as [number, number, number, number];
  const [, out, k] = weight.shape as [number, number, number];
  if (weight.rank !== 4 || weight.shape[0] !== into || weight.shape[3] !== k) {
    throw new RangeError(
      `convTranspose2d weight is [${weight.shape}]; expected [${into}, out, k, k] for input [${x.shape}].`,
    );
  }
  // [k, k * out, in]: for each row of the square a linear layer to its k pixels.
  const rows = tf.unstack(tf.reshape(tf.transpose(weight, [2, 3, 1, 0]), [k, k * out, into]));
  const biases = tf.tile(bias, [k]);
  // Row by row of the squares, one after the other along the next axis, which a reshape turns over.
  const lines = rows.map((row) => tf.reshape(linear(x, row, biases), [batch, height, width * k, out]));
  return tf.reshape(tf.concat(lines, 2), [batch, height * k, width * k, out]);
}
