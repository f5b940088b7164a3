import * as tf from '@tensorflow/tfjs';
import { composed } from './composed';

interface Attributes {
  readonly strides: number | [number, number];
  readonly pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  readonly dimRoundingMode: 'floor' | 'round' | 'ceil';
  readonly filterShape: [number, number, number, number];
}

/**
 * The filter gradient of a convolution, `[height, width, in, out]`. One matrix product for each place in the filter:
 * the pixels that it met, `[in, batch * outHeight * outWidth]`, by the gradient, `[batch * outHeight * outWidth, out]`.
 */
export const conv2dFilterGradient = composed<Attributes>(
  ({ x, dy }, { strides, pad, dimRoundingMode, filterShape }) => {
    const info = tf.backend_util.computeConv2DInfo(
      x!.shape as [number, number, number, number],
      filterShape,
      strides,
      1,
      pad,
      dimRoundingMode,
    );
    const { batchSize, inChannels, outHeight, outWidth, strideHeight, strideWidth, padInfo } = info;
    const padded = tf.pad(x!, [
      [0, 0],
      [padInfo.top, padInfo.bottom],
      [padInfo.left, padInfo.right],
      [0, 0],
    ]);
    const gradient = tf.reshape(dy!, [-1, info.outChannels]);
    const products: tf.Tensor[] = [];
    for (let row = 0; row < info.filterHeight; row++) {
      for (let column = 0; column < info.filterWidth; column++) {
        const bottom = row + (outHeight - 1) * strideHeight + 1;
        const right = column + (outWidth - 1) * strideWidth + 1;
        const met = tf.stridedSlice(
          padded,
          [0, row, column, 0],
          [batchSize, bottom, right, inChannels],
          [1, strideHeight, strideWidth, 1],
        );
        products.push(tf.matMul(tf.reshape(met, [-1, inChannels]), gradient, true));
      }
    }
    return tf.reshape(tf.stack(products), filterShape);
  },
);
