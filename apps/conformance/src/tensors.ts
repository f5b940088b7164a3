import * as tf from '@tensorflow/tfjs';
import { numbersAs } from '../../../packages/compile/src/numbersAs';
import type { DType, Program, TensorData } from './program';

/** A copy of a tensor's numbers, from the backend in use. */
export function readTensor({ dataId, shape, dtype }: tf.TensorInfo): TensorData {
  const values = tf.engine().readSync(dataId);
  const data =
    dtype === 'string'
      ? [...(values as unknown as Uint8Array[])]
      : numbersAs(dtype === 'complex64' ? 'float32' : dtype, values).slice();
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
