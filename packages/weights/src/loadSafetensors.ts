import type { FileHandle } from 'node:fs/promises';
import { convertStored } from './convertStored';
import type { NamedTensors } from './hostTensor';
import { messageOf } from './messageOf';
import { nodeModule } from './nodeModule';
import { PREFIX_BYTES, parseHeader, parseHeaderLength, type SafetensorsHeader } from './parseHeader';
import type { Safetensors } from './parseSafetensors';

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
  return withFile(path, async (file) => {
    const { header, dataStart } = await readHeader(file);
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
  return withFile(path, async (file) => (await readHeader(file)).header);
}

async function withFile<T>(path: string, use: (file: FileHandle) => Promise<T>): Promise<T> {
  const { open } = nodeModule('node:fs/promises');
  try {
    const file = await open(path, 'r');
    try {
      return await use(file);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

async function readHeader(file: FileHandle): Promise<{ header: SafetensorsHeader; dataStart: number }> {
  const status = await file.stat();
  if (!status.isFile()) throw new Error('not a regular file.');
  const prefix = await readBytes(file, 0, Math.min(PREFIX_BYTES, status.size));
  const headerBytes = parseHeaderLength(prefix, status.size);
  const dataStart = PREFIX_BYTES + headerBytes;
  const header = parseHeader(await readBytes(file, PREFIX_BYTES, headerBytes), status.size - dataStart);
  return { header, dataStart };
}

/** Bounded pieces, because one read call moves at most 2 GiB. */
const READ_BYTES = 2 ** 28;

async function readBytes(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, Math.min(READ_BYTES, length - done), position + done);
    if (bytesRead === 0) throw new Error(`the file ended at byte ${position + done} while it was read.`);
    done += bytesRead;
  }
  return bytes;
}
