import type { TensorSpec } from '@beit/tensors';
import { get } from '../graph/lists';
import { isEmpty } from '../passes/emptyTensors';

/**
 * The state that programs share, as an engine's tensors. Where a program may not overwrite the old value, two tensors take
 * turns.
 */
export interface StateBuffers<T> {
  /** What holds the numbers now, by path. */
  readonly current: ReadonlyMap<string, T>;
  /** Where a program writes the next value. */
  next(path: string, inPlace: ReadonlySet<string>): T;
  /** To be called when a program has written the next values. */
  moveOn(changes: StateChanges): void;
  /** Every tensor there is. */
  all(): readonly T[];
}

/** What a program does to the state. */
export interface StateChanges {
  /** Paths that it changes, and those of them whose old value it may overwrite. */
  readonly changed: readonly string[];
  readonly inPlace: ReadonlySet<string>;
}

/** A program that reads the state where it is bound to, and writes the next one where that is to be. */
export interface BoundProgram<S> extends StateChanges {
  bindState(buffers: StateBuffers<S>): void;
}

/** The program of which each run moves the state on. */
export const movingOn = <S, G, R, P extends BoundProgram<S> & { run(given: G): Promise<R> }>(
  program: P,
  buffers: StateBuffers<S>,
): P => ({
  ...program,
  async run(given) {
    program.bindState(buffers);
    const result = await program.run(given);
    buffers.moveOn(program);
    return result;
  },
});

/** Tensors for all of a state that has elements, as many as the programs need. */
export function stateBuffers<T>(
  state: ReadonlyMap<string, TensorSpec>,
  programs: readonly StateChanges[],
  allocate: (spec: TensorSpec) => T,
): StateBuffers<T> {
  const specs = [...state].filter(([, spec]) => !isEmpty(spec));
  const takingTurns = new Set(
    programs.flatMap(({ changed, inPlace }) => changed.filter((path) => !inPlace.has(path))),
  );
  const allocated = (paths: Iterable<readonly [string, TensorSpec]>) =>
    new Map([...paths].map(([path, spec]) => [path, allocate(spec)]));
  const current = allocated(specs);
  const spare = allocated(specs.filter(([path]) => takingTurns.has(path)));
  return {
    current,
    next: (path, inPlace) => get(inPlace.has(path) ? current : spare, path),
    moveOn({ changed, inPlace }) {
      for (const path of changed) {
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
