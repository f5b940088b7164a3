import * as tf from '@tensorflow/tfjs';
import { composed } from './composed';

type Shape4 = [number, number, number, number];

interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode: 'floor' | 'round' | 'ceil';
}

const geometry = (x: Shape4, filter: Shape4, { strides, pad, dimRoundingMode }: Attributes) =>
  // TensorFlow.js itself refuses gradients of dilated ones.
  tf.backend_util.computeConv2DInfo(x, filter, strides, 1, pad, dimRoundingMode, true);

/**
 * The filter gradient of a depthwise convolution, `[height, width, channels, multiplier]`: for each place in the filter
 * the pixels that it met times the gradient, summed.
 */
export const depthwiseFilterGradient = composed<Attributes & { readonly filterShape: Shape4 }>(
  ({ x, dy }, attributes) => {
    const { filterShape } = attributes;
    const info = geometry(x!.shape as Shape4, filterShape, attributes);
    const { batchSize, inChannels, outHeight, outWidth, strideHeight, strideWidth, padInfo } = info;
    const padded = tf.pad(x!, [
      [0, 0],
      [padInfo.top, padInfo.bottom],
      [padInfo.left, padInfo.right],
      [0, 0],
    ]);
    const gradient = tf.reshape(dy!, [-1, inChannels, filterShape[3]]);
    const sums: tf.Tensor[] = [];
    for (let row = 0; row < info.filterHeight; row++) {
      for (let column = 0; column < info.filterWidth; column++) {
        const met = tf.stridedSlice(
          padded,
          [0, row, column, 0],
          [
            batchSize,
            row + (outHeight - 1) * strideHeight + 1,
            column + (outWidth - 1) * strideWidth + 1,
            inChannels,
          ],
          [1, strideHeight, strideWidth, 1],
        );
        sums.push(tf.sum(tf.mul(tf.reshape(met, [-1, inChannels, 1]), gradient), 0));
      }
    }
    return tf.reshape(tf.stack(sums), filterShape);
  },
);

/**
 * The input gradient of a depthwise convolution: the gradient, spread out by the strides, convolved with the filter turned
 * around, of each multiplier for itself.
 */
export const depthwiseInputGradient = composed<Attributes & { readonly inputShape: Shape4 }>(
  ({ dy, filter }, attributes) => {
    const { inputShape } = attributes;
    const info = geometry(inputShape, filter!.shape as Shape4, attributes);
    const { batchSize, inChannels, outHeight, outWidth, strideHeight, strideWidth, padInfo } = info;
    const multiplier = filter!.shape[3]!;
    const height = padInfo.top + info.inHeight + padInfo.bottom;
    const width = padInfo.left + info.inWidth + padInfo.right;
    const [above, before] = [info.filterHeight - 1, info.filterWidth - 1];
    const turned = tf.reverse(filter!, [0, 1]);
    const parts = Array.from({ length: multiplier }, (_, i) => {
      const gradient = tf.stridedSlice(
        tf.reshape(dy!, [batchSize, outHeight, outWidth, inChannels, multiplier]),
        [0, 0, 0, 0, i],
        [batchSize, outHeight, outWidth, inChannels, i + 1],
      );
      const spread = spreadAlong(
        spreadAlong(tf.reshape(gradient, [batchSize, outHeight, outWidth * inChannels]), strideHeight),
        strideWidth,
        [batchSize * ((outHeight - 1) * strideHeight + 1), outWidth, inChannels],
      );
      const placed = tf.pad(
        tf.reshape(spread, [
          batchSize,
          (outHeight - 1) * strideHeight + 1,
          (outWidth - 1) * strideWidth + 1,
          inChannels,
        ]),
        [
          [0, 0],
          [above, height - (outHeight - 1) * strideHeight - 1],
          [before, width - (outWidth - 1) * strideWidth - 1],
          [0, 0],
        ],
      ) as tf.Tensor4D;
      const one = tf.slice(turned, [0, 0, 0, i], [-1, -1, -1, 1]) as tf.Tensor4D;
      return tf.depthwiseConv2d(placed, one, 1, 'valid');
    });
    const sum = parts.reduce((a, b) => tf.add(a, b));
    return tf.slice(sum, [0, padInfo.top, padInfo.left, 0], inputShape);
  },
);

/** `[n, size, rest]` with `stride - 1` rows of zeros between rows: `[n, (size - 1) * stride + 1, rest]`. */
function spreadAlong(x: tf.Tensor, stride: number, shape = x.shape): tf.Tensor {
  const [n, size, rest] = shape as [number, number, number];
  const rows = tf.reshape(x, [n, size, rest]);
  if (stride === 1) return rows;
  const zeros = tf.zeros([n, size, (stride - 1) * rest]);
  const all = tf.reshape(tf.concat([rows, zeros], 2), [n, size * stride, rest]);
  return tf.slice(all, [0, 0, 0], [n, (size - 1) * stride + 1, rest]);
}
