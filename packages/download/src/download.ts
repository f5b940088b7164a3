import { open, rename, rm, stat } from 'node:fs/promises';
import type { Response } from 'undici';
import { type Checksum, checksumOf } from './checksum';
import { type HttpAddress, httpAddress } from './httpAddress';
import { contentRange, type HttpOptions, httpPieces } from './httpPieces';
import { TemporaryError, withRetries } from './withRetries';

export interface DownloadOptions extends HttpOptions {
  /** That the file must have; unknown: what the server says. */
  readonly bytes?: number;
  readonly checksum?: Checksum;
  /** Bytes that are taken where the size is not known before. */
  readonly mostBytes: number;
  /** Called with every piece: bytes so far, and in all where that is known. */
  readonly onProgress?: (done: number, total: number | undefined) => void;
}

/**
 * Brings a file to `path`, whole or not at all. A broken connection is taken up where it broke off. Until the end the
 * file's name is `path.part`; with a checksum, another call goes on with it.
 *
 * @throws when the server refuses, gives up too often, or sends something else twice
 */
export async function download(address: string, path: string, options: DownloadOptions): Promise<void> {
  const { bytes, checksum } = options;
  const source = httpAddress(address);
  const part = `${path}.part`;
  // What is checked in the end may be continued; else nobody knows of which file it is.
  const begun = await stat(part).catch(() => undefined);
  const canContinue = checksum !== undefined && bytes !== undefined;
  if (begun && !(canContinue && begun.size <= bytes)) await rm(part);
  for (let time = 1; ; time++) {
    try {
      await fetchRest(source, part, options);
    } catch (error) {
      if (!canContinue || (await stat(part)).size === 0) await rm(part);
      throw error;
    }
    const actual = checksum && (await checksumOf(part, checksum.algorithm));
    if (actual === checksum?.value) break;
    await rm(part);
    if (time === 2) {
      throw new Error(
        `${source.url} has the ${checksum!.algorithm} ${actual}, but the index says ${checksum!.value}.`,
      );
    }
  }
  await rename(part, path);
}

/** Appends to the file until it is whole. */
async function fetchRest(source: HttpAddress, part: string, options: DownloadOptions): Promise<void> {
  const { url } = source;
  const { bytes, mostBytes, onProgress } = options;
  const file = await open(part, 'a');
  try {
    let { size: done } = await file.stat();
    let total = bytes;
    /** What says that a file is still the same. */
    let version: string | undefined;

    const begin = async (answer: Response) => {
      const range = contentRange(answer);
      if (answer.status === 206) {
        if (range?.first !== done) throw new TemporaryError(`${url} sent another part than byte ${done} on`);
      } else if (done > 0) {
        await file.truncate(0);
        done = 0;
      }
      const length = answer.headers.get('content-length');
      const announced = range?.total ?? (length === null ? undefined : Number(length));
      if (bytes !== undefined && announced !== undefined && announced !== bytes) {
        throw new Error(`${url} has ${announced} bytes; expected ${bytes}.`);
      }
      total = bytes ?? announced;
      if (total !== undefined && total > mostBytes) {
        throw new Error(`${url} has ${total} bytes; there is room for ${mostBytes}.`);
      }
      version = answer.headers.get('etag') ?? answer.headers.get('last-modified') ?? undefined;
      // A weak one is no promise of the same bytes.
      if (version?.startsWith('W/')) version = undefined;
    };

    await withRetries(async (received) => {
      if (done > 0 && done === total) return;
      if (done > 0 && version === undefined && !options.checksum) {
        await file.truncate(0);
        done = 0;
      }
      const headers: Record<string, string> =
        done > 0 ? { range: `bytes=${done}-`, ...(version && { 'if-range': version }) } : {};
      for await (const piece of httpPieces(source, { headers, asItIs: true, begin }, options)) {
        if (done + piece.length > (total ?? mostBytes)) {
          throw new Error(`${url} sends more than the ${total ?? mostBytes} bytes expected.`);
        }
        await file.writeFile(piece);
        done += piece.length;
        received(piece.length);
        onProgress?.(done, total);
      }
      if (total !== undefined && done < total) {
        throw new TemporaryError(`${url} ended after ${done} of ${total} bytes`);
      }
    }, options);
    await file.sync();
  } finally {
    await file.close();
  }
}
