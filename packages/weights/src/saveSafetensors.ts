import type { NamedTensors } from '@beit/tensors';
import { type SerializeOptions, serializePieces } from './serializeSafetensors';
import { writeFileAtomic } from './writeFileAtomic';

/**
 * Writes a safetensors file (Node), atomically and piece by piece (`writeFileAtomic`): memory beyond the tensors
 * themselves is that of the header. Do not change the tensors until the promise resolves.
 */
export async function saveSafetensors(
  path: string,
  tensors: NamedTensors,
  metadata: Readonly<Record<string, string>> = {},
  options: SerializeOptions = {},
): Promise<void> {
  await writeFileAtomic(path, serializePieces(tensors, metadata, options));
}
