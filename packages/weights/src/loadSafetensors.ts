import type { FileHandle } from 'node:fs/promises';
import type { NamedTensors } from '@beit/tensors';
import { convertStored } from './convertStored';
import { PREFIX_BYTES, parseHeader, parseHeaderLength, type SafetensorsHeader } from './parseHeader';
import type { Safetensors } from './parseSafetensors';
import { readBytes, withFile } from './withFile';

export interface LoadOptions {
  /** Only tensors whose name passes are read: `(name) => name.startsWith('params.')`. Default: all. */
  readonly select?: (name: string) => boolean;
}

/**
 * Reads a safetensors file (Node). Sizes are checked against the file's real size before any memory is taken, and each
 * tensor is read into memory of its own. Conversions and errors as `parseSafetensors`; messages name the path.
 */
export async function loadSafetensors(
  path: string,
  { select = () => true }: LoadOptions = {},
): Promise<Safetensors> {
  return withFile(path, async (file, size) => {
    const { header, dataStart } = await readHeader(file, size);
    const tensors: NamedTensors = Object.create(null);
    for (const { name, dtype, shape, begin, end } of header.tensors) {
      if (!select(name)) continue;
      tensors[name] = convertStored(
        name,
        dtype,
        shape,
        await readBytes(file, dataStart + begin, end - begin),
      );
    }
    return { tensors, metadata: header.metadata };
  });
}

/** The header of a safetensors file (Node): names, stored dtypes, shapes and metadata, checked, without the data. */
export async function loadSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  return withFile(path, async (file, size) => (await readHeader(file, size)).header);
}

async function readHeader(
  file: FileHandle,
  size: number,
): Promise<{ header: SafetensorsHeader; dataStart: number }> {
  const prefix = await readBytes(file, 0, Math.min(PREFIX_BYTES, size));
  const headerBytes = parseHeaderLength(prefix, size);
  const dataStart = PREFIX_BYTES + headerBytes;
  const header = parseHeader(await readBytes(file, PREFIX_BYTES, headerBytes), size - dataStart);
  return { header, dataStart };
}
