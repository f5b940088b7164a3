import * as tf from '@tensorflow/tfjs';
import { assertShape } from './assertShape';
import { geluOf, geluSlope } from './gelu';
import { sumRows, toRows } from './rows';

/** Parameters of a fully connected layer, as torch.nn.Linear has them. */
export interface LinearParams {
  /** `[out, in]` */
  readonly weight: tf.Tensor;
  /** `[out]` */
  readonly bias: tf.Tensor;
}

/**
 * A transformer's MLP, `linear(gelu(linear(x, fc1)), fc2)`, with its gradient in closed form. What it keeps for that,
 * beside `x`, is what comes before the GELU: where the slope of the GELU is computed, its value costs one multiplication
 * more, and to keep it, too, would take the most memory of all that a block keeps.
 *
 * @param x `[..., in]`
 * @param fc1 weight `[hidden, in]`
 * @param fc2 weight `[out, hidden]`
 * @returns `[..., out]`
 * @throws RangeError when the widths do not fit
 */
export function mlp(x: tf.Tensor, fc1: LinearParams, fc2: LinearParams): tf.Tensor {
  const [hidden, outputs] = [fc1.weight.shape[0]!, fc2.weight.shape[0]!];
  assertShape(fc1.weight, [hidden, x.shape.at(-1)!], 'The first weight of an MLP');
  assertShape(fc1.bias, [hidden], 'The first bias of an MLP');
  assertShape(fc2.weight, [outputs, hidden], 'The second weight of an MLP');
  assertShape(fc2.bias, [outputs], 'The second bias of an MLP');
  const batch = x.shape.slice(0, -1);
  return tf.customGrad((...args) => {
    const [xs, w1, b1, w2, b2, save] = args as unknown as [
      ...[tf.Tensor, tf.Tensor2D, tf.Tensor, tf.Tensor2D, tf.Tensor],
      tf.GradSaveFunc,
    ];
    const wide = tf.add(tf.matMul(toRows(xs), w1, false, true), b1);
    save([xs, w1, w2, wide]);
    // In another view than the gradient's: an engine that computes all that depends on one at once would keep it all.
    const active = geluOf(tf.reshape(wide, [...batch, hidden]));
    const y = tf.add(tf.matMul(toRows(active), w2, false, true), b2);
    return {
      value: tf.reshape(y, [...batch, outputs]),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [input, weight1, weight2, z] = saved as [tf.Tensor, tf.Tensor2D, tf.Tensor2D, tf.Tensor2D];
        const rows = toRows(dy);
        const { slope, cdf } = geluSlope(z);
        const dWide = tf.mul(tf.matMul(rows, weight2), slope) as tf.Tensor2D;
        // In this order, so that the slope and the value of the GELU are asked for together.
        const dBias1 = sumRows(dWide);
        const active = tf.mul(z, cdf) as tf.Tensor2D;
        const dWeight2 = tf.matMul(rows, active, true, false);
        const dWeight1 = tf.matMul(dWide, toRows(input), true, false);
        const dx = tf.reshape(tf.matMul(dWide, weight1), input.shape);
        return [dx, dWeight1, dBias1, dWeight2, sumRows(rows)];
      },
    };
  })(x, fc1.weight, fc1.bias, fc2.weight, fc2.bias);
}
