import type { Tree } from '@beit/tensors';
import type { CompileOptions } from '../../compileOptions';
import type { Trace } from '../../record/trace';
import type { SpecTree } from '../../specTree';
import type { GivenTensor } from '../../types';
import { stateNumbers } from '../checkedLeaves';
import type { HostPrograms } from '../engine';
import { tracedPrograms } from '../tracedPrograms';
import { deviceGroup } from './deviceGroup';
import { deviceState } from './deviceState';
import type { XlaRuntime } from './devices';
import { loadProgram, type XlaProgram } from './loadProgram';

/** Traced steps over one state in XLA. */
export async function xlaPrograms(
  { shared, devices }: XlaRuntime,
  traces: ReadonlyMap<string, Trace>,
  stateTree: SpecTree,
  initialState: Tree<GivenTensor>,
  options: CompileOptions,
): Promise<HostPrograms> {
  const group = deviceGroup(shared.client, devices);
  const state = deviceState(group, stateTree, options.shardedState ?? []);
  const loaded = new Map<string, XlaProgram>();
  const dispose = () => {
    for (const program of loaded.values()) program.dispose();
    state.dispose();
    shared.release();
  };
  try {
    for (const [name, trace] of traces) loaded.set(name, await loadProgram(group, trace, state, options));
    state.write(stateNumbers(initialState, stateTree.specs));
  } catch (error) {
    dispose();
    throw error;
  }
  const programs = tracedPrograms(
    loaded,
    stateTree,
    { read: state.read, write: async (numbers) => state.write(numbers), isElsewhere: true },
    async () => dispose(),
  );
  const memories = [...loaded.values()].flatMap(({ memory }) => memory ?? []);
  const [memory] = memories.sort((a, b) => b.peak - a.peak);
  return memory ? { ...programs, memory } : programs;
}
