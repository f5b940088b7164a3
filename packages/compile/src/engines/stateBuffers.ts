import type { TensorSpec } from '@beit/tensors';
import { get } from '../graph/lists';

/**
 * The state that programs share, as an engine's tensors. Where a program may not overwrite the old value, two tensors take
 * turns.
 */
export interface StateBuffers<T> {
  /** What holds the numbers now, by path. */
  readonly current: ReadonlyMap<string, T>;
  /** Where a program writes the next value. */
  next(path: string, inPlace: ReadonlySet<string>): T;
  /** To be called when a program has written the next values of these paths. */
  moveOn(paths: readonly string[], inPlace: ReadonlySet<string>): void;
  /** Every tensor there is. */
  all(): readonly T[];
}

/** @param taking paths of which a program needs two tensors */
export function stateBuffers<T>(
  specs: ReadonlyMap<string, TensorSpec>,
  takingTurns: ReadonlySet<string>,
  allocate: (spec: TensorSpec) => T,
): StateBuffers<T> {
  const allocated = (paths: Iterable<readonly [string, TensorSpec]>) =>
    new Map([...paths].map(([path, spec]) => [path, allocate(spec)]));
  const current = allocated(specs);
  const spare = allocated([...specs].filter(([path]) => takingTurns.has(path)));
  return {
    current,
    next: (path, inPlace) => get(inPlace.has(path) ? current : spare, path),
    moveOn(paths, inPlace) {
      for (const path of paths) {
        if (inPlace.has(path)) continue;
        const [old, next] = [get(current, path), get(spare, path)];
        current.set(path, next);
        spare.set(path, old);
      }
    },
    all: () => [...current.values(), ...spare.values()],
  };
}

/** Binds a tensor to a name unless it is bound to it already: most stay where they are from run to run. */
export function bindOnce<T>(bind: (name: string, tensor: T) => void): (name: string, tensor: T) => void {
  const bound = new Map<string, T>();
  return (name, tensor) => {
    if (bound.get(name) === tensor) return;
    bind(name, tensor);
    bound.set(name, tensor);
  };
}
