import * as tf from '@tensorflow/tfjs';

/** `tf.tidy` for functions whose results are typed more closely than TensorFlow.js's containers. */
export function tidied<T extends object>(f: () => T): T {
  return tf.tidy(f as unknown as () => tf.TensorContainer) as unknown as T;
}
