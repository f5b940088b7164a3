import type { FileHandle } from 'node:fs/promises';
import { messageOf } from '@beit/tensors';
import { nodeModule } from './nodeModule';

/** Bounded pieces, because one write call moves at most 2 GiB. */
const WRITE_BYTES = 2 ** 28;

/** Marks the temporary files, which a crash can leave behind: `NAME.PID-RANDOM.tmp`. */
const TEMPORARY_SUFFIX = '.tmp';

/**
 * Writes `pieces` to `path` (Node) so that a reader, or a crash at any moment, finds either the old file or the whole
 * new one: a temporary file in the same folder, fsync, rename, fsync of the folder. On an error (disk full, no right)
 * the temporary file is removed, an existing `path` is untouched, and the message names the path.
 */
export async function writeFileAtomic(path: string, pieces: Iterable<Uint8Array>): Promise<void> {
  const { open, rename, rm } = nodeModule('node:fs/promises');
  const { dirname } = nodeModule('node:path');
  const temporary = `${path}.${process.pid}-${Math.random().toString(36).slice(2)}${TEMPORARY_SUFFIX}`;
  try {
    const file = await open(temporary, 'wx');
    try {
      for (const piece of pieces) await writeBytes(file, piece);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (cause) {
    await rm(temporary, { force: true }).catch(() => undefined); // The first error is the one to report.
    throw new Error(`Cannot write ${path}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

async function writeBytes(file: FileHandle, bytes: Uint8Array): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, Math.min(WRITE_BYTES, bytes.length - done));
    done += bytesWritten;
  }
}

/** Makes the rename itself durable. Windows cannot open a folder; its rename needs no such step. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const { open } = nodeModule('node:fs/promises');
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
