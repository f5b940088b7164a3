import { type HostTensor, mapTree, sizeOf } from '@beit/tensors';
import { get } from '../graph/lists';
import { emptyArray } from '../passes/emptyTensors';
import type { Trace } from '../record/trace';
import { groupsOf, isPath, type SpecTree } from '../specTree';
import type { HostArray } from './alignedArray';
import { callQueue } from './callQueue';
import { stateNumbers } from './checkedLeaves';
import type { HostPrograms } from './engine';
import type { InputCopies } from './inputCopies';
import { sentInputs } from './sentInputs';

/** What a library runs of one traced step. */
export interface LoadedProgram<T> {
  readonly trace: Trace;
  readonly copies: InputCopies<T>;
  /**
   * Moves the state on.
   *
   * @returns the array over which it has written an output; the next run writes there again
   */
  run(inputs: ReadonlyMap<string, T>): Promise<(path: string) => HostArray | undefined>;
}

/** The state of the programs, with elements, by path. */
export interface LoadedState {
  /** The arrays that hold it, or copies of what a device holds. */
  read(paths: readonly string[]): Promise<ReadonlyMap<string, HostArray>>;
  write(numbers: ReadonlyMap<string, HostArray>): Promise<void>;
  /** Whether its memory is written by other threads, while the caller of `write` goes on. */
  readonly isElsewhere: boolean;
}

/** Programs of a library, called one after the other. */
export function tracedPrograms<T>(
  programs: ReadonlyMap<string, LoadedProgram<T>>,
  stateTree: SpecTree,
  state: LoadedState,
  dispose: () => Promise<void>,
): HostPrograms {
  const calls = callQueue();
  const sent = new Map(
    [...programs].map(([name, { copies }]) => [name, sentInputs(copies.take, copies.giveBack)]),
  );
  return {
    send: (name, inputs) => get(sent, name).send(inputs),
    run: (name, inputs) => {
      const program = get(programs, name);
      return calls.callWith(
        () => get(sent, name).take(inputs),
        async (given) => {
          try {
            return outputsFrom(program.trace, await program.run(given));
          } finally {
            program.copies.giveBack(given);
          }
        },
      );
    },
    readState: (groups) =>
      calls.call(async () => {
        const { form, specs } = groupsOf(stateTree, groups);
        const arrays = await state.read([...specs.keys()]);
        const tensors = new Map<string, HostTensor>();
        for (const [path, spec] of specs) {
          tensors.set(path, { ...spec, data: arrays.get(path) ?? emptyArray(spec.dtype) });
        }
        return mapTree(form, isPath, (path) => get(tensors, path));
      }),
    writeState: (given, part) =>
      calls.callWith(
        (waits) => {
          const { specs } = groupsOf(stateTree, part === 'all' ? undefined : Object.keys(given));
          return stateNumbers(given, specs, waits || state.isElsewhere);
        },
        (numbers) => state.write(numbers),
      ),
    dispose: () =>
      calls.dispose(async () => {
        for (const inputs of sent.values()) inputs.dispose();
        await dispose();
      }),
  };
}

/** The outputs of a run: copies, since the next run writes there again. */
const outputsFrom = ({ graph, outputs }: Trace, arrayOf: (path: string) => HostArray | undefined) =>
  mapTree<string, HostTensor>(outputs, isPath, (path) => {
    const { dtype, shape } = get(graph.outputs, `outputs/${path}`);
    const data = sizeOf(shape) === 0 ? emptyArray(dtype) : arrayOf(path)?.slice();
    if (data === undefined) throw new Error(`The engine gave no output '${path}'.`);
    // TensorFlow.js's booleans are bytes on the host.
    return { dtype: dtype === 'bool' ? 'uint8' : dtype, shape, data } as HostTensor;
  });
