import * as tf from '@tensorflow/tfjs';
import type { DType, Program, TensorData } from './program';

const ARRAYS = {
  float32: Float32Array,
  complex64: Float32Array,
  int32: Int32Array,
  bool: Uint8Array,
} as const;

/** A copy of a tensor's numbers, from the backend in use. */
export function readTensor({ dataId, shape, dtype }: tf.TensorInfo): TensorData {
  const values = tf.engine().readSync(dataId);
  // Data that tensors of two dtypes share is of the narrower one.
  const data =
    dtype === 'string'
      ? [...(values as unknown as Uint8Array[])]
      : ARRAYS[dtype as keyof typeof ARRAYS].from(values as Float32Array);
  return { dtype: dtype as DType, shape: [...shape], data };
}

/** A tensor with these numbers, on the backend in use. */
export function makeTensor({ dtype, shape, data }: TensorData): tf.Tensor {
  if (dtype === 'complex64') {
    const part = (offset: number) =>
      tf.tensor(
        (data as Float32Array).filter((_, i) => i % 2 === offset),
        [...shape],
        'float32',
      );
    return tf.complex(part(0), part(1));
  }
  return tf.engine().makeTensor(data.slice() as tf.DataTypeMap[DType], [...shape], dtype);
}

/** A program's leaves, all of them as constants. */
export const tensorsOf = ({ leaves }: Program): tf.Tensor[] => leaves.map(makeTensor);
