import * as tf from '@tensorflow/tfjs';
import { composed } from './composed';

interface Attributes {
  readonly depth: number;
  readonly onValue: number;
  readonly offValue: number;
  readonly dtype: tf.DataType;
}

/**
 * The backend writes whole numbers whatever the dtype, so that a float32 one-hot vector holds 1.4e-45 for 1.
 * Reference: tensorflow/tfjs tfjs-backend-wasm/src/cc/kernels/OneHot.cc @68d1513.
 */
export const oneHot =
  (original: tf.KernelFunc): tf.KernelFunc =>
  (args) =>
    (args.attrs as unknown as Attributes).dtype === 'float32' ? float32OneHot(args) : original(args);

const float32OneHot = composed<Attributes>(({ indices }, { depth, onValue, offValue }) => {
  const ones = tf.cast(tf.oneHot(indices!, depth), 'float32');
  return tf.add(tf.mul(ones, onValue - offValue), offValue);
});
