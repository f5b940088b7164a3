import type { TensorParams } from '@beit/nn';
import type * as tf from '@tensorflow/tfjs';

/** @throws Error when there is none of this name */
export function parameter(params: TensorParams, name: string): tf.Tensor {
  const found = params[name];
  if (!found) throw new Error(`The parameters have no '${name}'.`);
  return found;
}
