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
    // Of plugins that do not tell it, what there would be without sharing.
    peak: peakMemory || argumentSize + outputSize - aliasSize + tempSize,
  };
}
