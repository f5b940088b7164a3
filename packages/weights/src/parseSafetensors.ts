import type { NamedTensors } from '@beit/tensors';
import { convertStored } from './convertStored';
import { PREFIX_BYTES, parseHeader, parseHeaderLength } from './parseHeader';

/** A safetensors file's content; both records have no prototype, so any name is only a name. */
export interface Safetensors {
  readonly tensors: NamedTensors;
  /** Free text by key, `__metadata__` in the file. */
  readonly metadata: Record<string, string>;
}

/**
 * Reads a safetensors file held in memory. F32, I32, U8 and BOOL tensors share memory with `bytes` where alignment
 * allows; other types are converted (see `convertStored`). Tensors come in the order of their bytes.
 *
 * Errors: anything that the format does not allow (lengths, offsets, shapes, duplicate names, JSON), an unsupported
 * dtype, an integer beyond int32. Nothing is allocated on the word of the file before it is checked.
 *
 * Format: https://huggingface.co/docs/safetensors
 */
export function parseSafetensors(bytes: Uint8Array): Safetensors {
  const headerBytes = parseHeaderLength(bytes, bytes.length);
  const data = bytes.subarray(PREFIX_BYTES + headerBytes);
  const header = parseHeader(bytes.subarray(PREFIX_BYTES, PREFIX_BYTES + headerBytes), data.length);
  const tensors: NamedTensors = Object.create(null);
  for (const { name, dtype, shape, begin, end } of header.tensors) {
    tensors[name] = convertStored(name, dtype, shape, data.subarray(begin, end));
  }
  return { tensors, metadata: header.metadata };
}
