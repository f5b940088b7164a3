import type { ProgramMemory } from '../../types';
import type { Client, Device } from './pjrt/client';
import { PjrtError, RESOURCE_EXHAUSTED } from './pjrt/library';

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(bytes < 1e9 ? 3 : 1)} GB`;

/**
 * The error with the allocator's numbers and what to do about it, where memory was too small; else as it is.
 *
 * @param program that was to run
 */
export function explained(
  error: unknown,
  client: Client,
  devices: readonly Device[],
  program?: ProgramMemory,
): unknown {
  if (!(error instanceof PjrtError) || error.code !== RESOURCE_EXHAUSTED) return error;
  const [device] = devices;
  const stats = device && client.memoryOf(device);
  const used = stats?.bytesLimitIsSet
    ? ` Of ${gigabytes(stats.bytesLimit)} that XLA may take there, ${gigabytes(stats.bytesInUse)} are in use.`
    : '';
  const needs = program
    ? ` The program needs ${gigabytes(program.peak)}: ${gigabytes(program.arguments)} of state and inputs, ` +
      `${gigabytes(program.temporary)} of tensors on the way.`
    : '';
  const more = client.platform === 'cpu' ? '' : ', or give XLA more of the memory (memoryFraction)';
  const [said = ''] = error.message.split('\n');
  return new Error(
    `The memory of the device (${client.platform}, ${device?.kind ?? 'unknown'}) is too small.${needs}${used} Lower the ` +
      `micro-batch (microBatchSize)${more}. XLA says: ${said}`,
    { cause: error },
  );
}
