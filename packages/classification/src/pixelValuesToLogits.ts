import type { TensorParams } from '@beit/nn';
import * as tf from '@tensorflow/tfjs';

/**
 * A classifier, or another model of images, as a function of what transformers calls its input and output, for `exportOnnx` of `@beit/compile`:
 * `pixel_values`, normalized images `[batch, 3, height, width]`, to `logits`, of a classifier `[batch, numClasses]`.
 */
export const pixelValuesToLogits =
  ({ logits }: { readonly logits: (params: TensorParams, images: tf.Tensor) => tf.Tensor }) =>
  (params: TensorParams, { pixel_values }: { readonly pixel_values: tf.Tensor }) => ({
    logits: logits(params, tf.transpose(pixel_values, [0, 2, 3, 1])),
  });
