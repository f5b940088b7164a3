import type { ProgramMemory } from '../../../types';
import { ifImplemented, type PjrtLibrary } from './library';
import type { Pointer } from './structs';

/** What an executable takes on each device; `undefined` where the plugin does not tell. */
export function programMemory({ call }: PjrtLibrary, executable: Pointer): ProgramMemory | undefined {
  const stats = ifImplemented(() => call('Executable_GetCompiledMemoryStats', { executable }));
  if (!stats) return undefined;
  const { argumentSize, outputSize, aliasSize, tempSize, peakMemory } = stats;
  return {
    arguments: argumentSize,
    outputs: outputSize,
    aliased: aliasSize,
    temporary: tempSize,
    // Not every plugin counts the tensors on the way, or tells it at all.
    peak: Math.max(peakMemory, argumentSize + outputSize - aliasSize + tempSize),
  };
}
