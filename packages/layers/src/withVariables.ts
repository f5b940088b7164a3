import type { NamedTfTensors } from '@beit/optim';
import * as tf from '@tensorflow/tfjs';
import { type Override, overriding } from './overriding';

/**
 * `run` while a model's variables have other values, which they do not keep.
 *
 * @returns also what was written to the variables meanwhile, by name
 */
export function withVariables<R>(
  variables: ReadonlyMap<string, tf.LayerVariable>,
  values: ReadonlyMap<string, tf.Tensor>,
  run: () => R,
): { result: R; written: NamedTfTensors } {
  const kept = new Map<string, tf.Tensor>();
  const overrides = [...variables].flatMap(([name, variable]): Override[] => [
    // A layer that is called twice reads what its first call wrote.
    { object: variable, member: 'read', value: () => kept.get(name) ?? values.get(name)! },
    {
      object: variable,
      member: 'write',
      value: (next: tf.Tensor) => {
        const before = kept.get(name);
        // Layers write inside of tidies of their own.
        kept.set(name, tf.keep(tf.clone(variable.constraint?.apply(next) ?? next)));
        before?.dispose();
        return variable;
      },
    },
  ]);
  try {
    const result = overriding(overrides, run);
    const written = Object.fromEntries([...kept].map(([name, tensor]) => [name, tf.clone(tensor)]));
    return { result, written };
  } finally {
    tf.dispose([...kept.values()]);
  }
}
