import { type HostTensor, sizeOf } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { numbersAs } from '../src/numbersAs';

/** A vector, or what has another shape, row by row. */
export const f32 = (data: Iterable<number>, shape?: readonly number[]) => {
  const numbers = Float32Array.from(data);
  return { dtype: 'float32', shape: shape ?? [numbers.length], data: numbers } as const;
};
export const i32 = (data: Iterable<number>, shape?: readonly number[]) => {
  const numbers = Int32Array.from(data);
  return { dtype: 'int32', shape: shape ?? [numbers.length], data: numbers } as const;
};
export const u8 = (data: Iterable<number>, shape?: readonly number[]) => {
  const numbers = Uint8Array.from(data);
  return { dtype: 'uint8', shape: shape ?? [numbers.length], data: numbers } as const;
};

/** Reproducible numbers in (-1, 1). */
export const numbers = (shape: readonly number[], seed: number) =>
  f32(
    Array.from({ length: sizeOf(shape) }, (_, i) => Math.sin(i * 12.9898 + seed * 78.233) * 0.99),
    shape,
  );

/** A copy for TensorFlow.js: uint8 as bool. */
export const tensorOf = ({ dtype, shape, data }: HostTensor): tf.Tensor =>
  tf.tensor(data.slice(), [...shape], dtype === 'uint8' ? 'bool' : dtype);

/** A copy of what TensorFlow.js has, as programs put it out: bool as uint8. */
export const readTensor = (tensor: tf.Tensor): HostTensor => ({
  dtype: tensor.dtype === 'bool' ? 'uint8' : (tensor.dtype as 'float32' | 'int32'),
  shape: tensor.shape,
  data: numbersAs(tensor.dtype, tensor.dataSync()).slice() as HostTensor['data'],
});
