import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { RegistryClient } from './registryClient';

export interface DownloadOptions {
  readonly url: string;
  /** Hexadecimal. */
  readonly sha256: string;
  /** Bytes, where the index says it: another size is an error. */
  readonly size?: number;
  /** Bytes that are accepted at the most. */
  readonly largest: number;
  /** Called with every piece: bytes so far, and in all where that is known. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
  readonly signal?: AbortSignal;
}

/**
 * Brings a file to `path`: whole and with the right hash, or not at all. Until then it has another name, and that
 * file is removed on any error.
 */
export async function download(
  client: RegistryClient,
  path: string,
  { url, sha256, size, largest, onProgress, signal }: DownloadOptions,
): Promise<void> {
  if (size !== undefined && size > largest) {
    throw new Error(`${url} has ${size} bytes; at most ${largest} were expected.`);
  }
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${process.pid}.part`;
  const response = await client(url, signal ? { signal } : {});
  const announced = Number(response.headers.get('content-length')) || undefined;
  const total = size ?? announced;
  const limit = size ?? largest;
  const hash = createHash('sha256');
  let done = 0;
  const file = await open(temporary, 'w');
  try {
    try {
      for await (const piece of response.body ?? []) {
        done += piece.length;
        if (done > limit) throw new Error(`${url} sends more than the ${limit} bytes expected.`);
        hash.update(piece);
        await file.writeFile(piece);
        onProgress?.(done, total);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    signal?.throwIfAborted();
    if (size !== undefined && done !== size) {
      throw new Error(`${url} ended after ${done} of ${size} bytes; try again.`);
    }
    const actual = hash.digest('hex');
    if (actual !== sha256) {
      throw new Error(
        `${url} has the sha256 ${actual}, but the index says ${sha256}. Nothing was installed.`,
      );
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}
