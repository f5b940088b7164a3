import type { NamedTfTensors } from '@beit/optim';
import { assertHostTensor, type HostTensor, type NamedTensors } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import type { ModelInputs } from './functionalModel';
import type { InputShapes } from './noise';
import { sameShape } from './sameShape';

/** The numbers of a tensor, copied. */
export function toHost(name: string, tensor: tf.Tensor): HostTensor {
  const { dtype, shape } = tensor;
  if (dtype !== 'float32' && dtype !== 'int32') {
    throw new Error(`The parameter '${name}' has dtype '${dtype}'; expected float32 or int32.`);
  }
  // A tensor that was cast may hold its numbers as they were before.
  const data = dtype === 'float32' ? new Float32Array(tensor.dataSync()) : new Int32Array(tensor.dataSync());
  return { dtype, shape: [...shape], data };
}

/** A parameter as the model has it. */
interface Expected {
  readonly shape: readonly (number | null)[];
  readonly dtype: string;
}

/** The tensors of a model's parameters among those given. @throws when one is missing or of another shape */
export function chosenParams(
  params: NamedTfTensors,
  expected: ReadonlyMap<string, Expected>,
): Map<string, tf.Tensor> {
  return new Map(
    [...expected].map(([name, { shape }]) => {
      const tensor = params[name];
      if (!tensor) throw new Error(`The parameter '${name}' [${shape}] is missing.`);
      if (!sameShape(tensor.shape, shape)) {
        throw new Error(`The parameter '${name}' has shape [${tensor.shape}]; the model's has [${shape}].`);
      }
      return [name, tensor];
    }),
  );
}

/** New tensors of a model's parameters. @throws when one is missing, or of another dtype or shape */
export function newTensors(
  params: NamedTensors,
  expected: ReadonlyMap<string, Expected>,
): Map<string, tf.Tensor> {
  for (const [name, { shape, dtype }] of expected) {
    const given = params[name];
    if (!given) throw new Error(`The parameter '${name}' [${shape}] is missing.`);
    assertHostTensor(name, given);
    if (given.dtype !== dtype || !sameShape(given.shape, shape)) {
      throw new Error(
        `The parameter '${name}' is ${given.dtype} [${given.shape}]; the model's is ${dtype} [${shape}].`,
      );
    }
  }
  return new Map(
    [...expected].map(([name, { dtype }]) => [
      name,
      tf.tensor(params[name]!.data.slice(), [...params[name]!.shape], dtype as 'float32' | 'int32'),
    ]),
  );
}

/** What is given for names, one, several in their order or by name, in their order. */
function inOrder<T extends object>(
  given: T | readonly T[] | { readonly [name: string]: T },
  isOne: (value: object) => value is T,
  names: readonly string[],
  what: string,
): T[] {
  const list: readonly T[] = isOne(given)
    ? [given]
    : Array.isArray(given)
      ? given
      : names.map((name) => {
          const one = (given as { readonly [name: string]: T })[name];
          if (one === undefined) {
            throw new Error(`There is no ${what} '${name}'; got ${Object.keys(given).join(', ')}.`);
          }
          return one;
        });
  if (list.length !== names.length) {
    throw new Error(`Got ${list.length} ${what}s; the model has ${names.length}: ${names.join(', ')}.`);
  }
  return [...list];
}

export const tensorsInOrder = (given: ModelInputs, names: readonly string[], what = 'input'): tf.Tensor[] =>
  inOrder<tf.Tensor>(given, (value) => value instanceof tf.Tensor, names, what);

export const shapesInOrder = (given: InputShapes, names: readonly string[]): (readonly number[])[] =>
  inOrder<readonly number[]>(
    given,
    (value): value is readonly number[] =>
      Array.isArray(value) && value.every((size) => typeof size === 'number'),
    names,
    'shape',
  );

/** Values by name; names that occur twice get `_1`, `_2` and so on. */
export function byUniqueName<T>(entries: readonly (readonly [name: string, value: T])[]): Map<string, T> {
  const named = new Map<string, T>();
  for (const [name, value] of entries) {
    let unique = name;
    for (let i = 1; named.has(unique); i++) unique = `${name}_${i}`;
    named.set(unique, value);
  }
  return named;
}
