import { createHash } from 'node:crypto';
import type { NamedTensors } from '@beit/tensors';

/** A hash of all tensors, whatever their order: a run goes on with the tokenizer or the checkpoint that it began with, or not at all. */
export function tensorsDigest(tensors: NamedTensors): string {
  const hash = createHash('sha256');
  for (const name of Object.keys(tensors).sort()) {
    const { dtype, shape, data } = tensors[name]!;
    hash.update(`${name} ${dtype} ${shape}\n`);
    hash.update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}
