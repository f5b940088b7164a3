import type { ProgramMemory } from '../../../types';
import { ifImplemented, type PjrtLibrary } from './library';
import type { Pointer } from './structs';

/**
 * What an executable takes on each device; `undefined` where the plugin does not tell.
 *
 * @param platform whose plugin it is
 */
export function programMemory(
  { call }: PjrtLibrary,
  executable: Pointer,
  platform: string,
): ProgramMemory | undefined {
  const stats = ifImplemented(() => call('Executable_GetCompiledMemoryStats', { executable }));
  if (!stats) return undefined;
  const { argumentSize, outputSize, aliasSize, tempSize, peakMemory } = stats;
  const held = argumentSize + outputSize - aliasSize;
  return {
    arguments: argumentSize,
    outputs: outputSize,
    aliased: aliasSize,
    temporary: tempSize,
    // The CPU's plugin counts no tensors on the way, and older ones tell nothing: then it is what there is without sharing.
    peak: platform === 'cpu' || peakMemory === 0 ? held + tempSize : peakMemory,
  };
}
