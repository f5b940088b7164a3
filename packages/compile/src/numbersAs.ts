import type * as tf from '@tensorflow/tfjs';
import type { ConstantData } from './graph/graph';

const ARRAYS = { float32: Float32Array, int32: Int32Array, bool: Uint8Array } as const;

/**
 * Numbers in the array type of their dtype, as they are where they have it: TensorFlow.js casts to a wider dtype without
 * touching the data, so that a float32 tensor may hold an `Int32Array`.
 *
 * @param dtype float32, int32 or bool
 */
export function numbersAs(dtype: string, numbers: tf.backend_util.BackendValues): ConstantData {
  const array = ARRAYS[dtype as keyof typeof ARRAYS];
  return numbers instanceof array ? numbers : array.from(numbers as Float32Array);
}
