import * as tf from '@tensorflow/tfjs';
import type { NamedTfTensors } from './valueAndGrads';

/** Elements up to which a tensor is packed. Larger ones would cost more to copy than a kernel costs to start. */
const LARGEST_PACKED = 2 ** 16;

/** Small tensors with the same key together, each large one alone. */
export function packedGroups(
  tensors: NamedTfTensors,
  names: readonly string[],
  keyOf: (name: string) => string,
): string[][] {
  const small = new Map<string, string[]>();
  const groups: string[][] = [];
  for (const name of names) {
    const key = keyOf(name);
    const known = small.get(key);
    if (tensors[name]!.size > LARGEST_PACKED) {
      groups.push([name]);
    } else if (known) {
      known.push(name);
    } else {
      const group = [name];
      small.set(key, group);
      groups.push(group);
    }
  }
  return groups;
}

/** The tensors of a group end to end, as one vector; of a group of one, the tensor as it is. */
export function pack(tensors: NamedTfTensors, group: readonly string[]): tf.Tensor {
  if (group.length === 1) return tensors[group[0]!]!;
  return tf.tidy(() => tf.concat(group.map((name) => flat(tensors[name]!))));
}

/** The inverse of `pack`; shapes as in `like`. */
export function unpack(packed: tf.Tensor, group: readonly string[], like: NamedTfTensors): NamedTfTensors {
  if (group.length === 1) return { [group[0]!]: packed };
  const sizes = group.map((name) => like[name]!.size);
  const pieces = tf.split(packed, sizes);
  return Object.fromEntries(
    group.map((name, i) => {
      const { shape } = like[name]!;
      return [name, shape.length === 1 ? pieces[i]! : tf.reshape(pieces[i]!, shape)];
    }),
  );
}

// tfjs-node starts a kernel even for a change of shape.
const flat = (tensor: tf.Tensor): tf.Tensor => (tensor.rank === 1 ? tensor : tf.reshape(tensor, [-1]));
