import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';

/** A tree of the same form with TensorFlow.js tensors at its leaves. */
export type TensorsOf<T> = T extends HostTensor ? tf.Tensor : { [K in keyof T]: TensorsOf<T[K]> };

/** Host arrays, in records to any depth, as tensors of the current backend; the numbers are copied. */
export function toTensors<T extends object>(tree: T): TensorsOf<T> {
  if (isHostTensor(tree)) {
    const { data, shape, dtype } = tree;
    return tf.tensor(
      data.slice(),
      [...shape],
      dtype === 'uint8' ? 'int32' : dtype,
    ) as unknown as TensorsOf<T>;
  }
  return Object.fromEntries(
    Object.entries(tree).map(([name, node]) => [name, toTensors(node)]),
  ) as TensorsOf<T>;
}

const isHostTensor = (node: object): node is HostTensor =>
  Array.isArray((node as HostTensor).shape) && typeof (node as HostTensor).dtype === 'string';
