import type { HostTensor, Tree } from '@beit/tensors';
import type { Trace } from '../record/trace';
import type { GivenTensor } from '../types';
import { callQueue } from './callQueue';
import { checkedLeaves, stateNumbers } from './checkedLeaves';
import { outputsFrom, stateFrom } from './engine';

/** The program of a step that computes nothing, of which no engine can make one. */
export function idleProgram(trace: Trace, initialState: Tree<GivenTensor>) {
  let numbers = stateNumbers(initialState, trace.state, true);
  const calls = callQueue();
  return {
    run: (inputs: Tree<GivenTensor>): Promise<Tree<HostTensor>> =>
      calls.callWith(
        () => checkedLeaves(inputs, trace.inputs, 'input'),
        async () => outputsFrom(trace, (path) => numbers.get(path)!),
      ),
    readState: (): Promise<Tree<HostTensor>> =>
      calls.call(async () => stateFrom(trace, (path) => numbers.get(path)!)),
    writeState: (state: Tree<GivenTensor>): Promise<void> =>
      calls.callWith(
        () => stateNumbers(state, trace.state, true),
        async (next) => {
          numbers = next;
        },
      ),
    dispose: (): Promise<void> => calls.dispose(async () => numbers.clear()),
  };
}
