import type { FileHandle } from 'node:fs/promises';
import { messageOf } from '@beit/tensors';
import { nodeModule } from './nodeModule';

/** Opens a regular file (Node) for reading, and closes it. Errors name the path. */
export async function withFile<T>(
  path: string,
  use: (file: FileHandle, size: number) => Promise<T>,
): Promise<T> {
  const { open, constants } = nodeModule('node:fs/promises');
  try {
    // Not waiting for what a pipe may bring. Windows has no such flag.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const status = await file.stat();
      if (!status.isFile()) throw new Error('not a regular file.');
      return await use(file, status.size);
    } finally {
      await file.close();
    }
  } catch (cause) {
    throw new Error(`Cannot read ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Bounded pieces, because one read call moves at most 2 GiB. */
const READ_BYTES = 2 ** 28;

/** `length` bytes from `position`; fewer are an error. Check `length` against the file's size before. */
export async function readBytes(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, Math.min(READ_BYTES, length - done), position + done);
    if (bytesRead === 0) throw new Error(`the file ended at byte ${position + done} while it was read.`);
    done += bytesRead;
  }
  return bytes;
}
