import type { Response } from 'undici';
import { type HttpAddress, httpAddress } from './httpAddress';
import { contentRange, type HttpOptions, httpPieces } from './httpPieces';
import { TemporaryError, withRetries } from './withRetries';

/** A file on a server of which parts are read. */
export interface HttpFile {
  readonly byteLength: number;
  /** Bytes from `start` to before `end`, as of an array. */
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}

/** @throws when the server does not know ranges, or fails again and again */
export async function httpFile(address: string, options: HttpOptions = {}): Promise<HttpFile> {
  const source = httpAddress(address);
  const { total } = await readRange(source, 0, 1, options);
  return {
    byteLength: total,
    slice: async (start, end = total) => {
      const first = start < 0 ? Math.max(0, total + start) : start;
      const { bytes } = await readRange(source, first, Math.min(end, total), options);
      return bytes.buffer;
    },
  };
}

const readRange = (
  source: HttpAddress,
  start: number,
  end: number,
  options: HttpOptions,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; total: number }> =>
  withRetries(async (received) => {
    const { url } = source;
    const bytes = new Uint8Array(end - start);
    let [done, total] = [0, 0];
    const headers = { range: `bytes=${start}-${end - 1}` };
    const begin = (answer: Response) => {
      const range = contentRange(answer);
      if (answer.status !== 206 || !range) {
        throw new Error(
          `${url} answered ${answer.status}, not with the part that was asked for: its server must know range requests.`,
        );
      }
      if (range.first !== start)
        throw new TemporaryError(`${url} sent another part than bytes ${start} to ${end}`);
      total = range.total;
    };
    for await (const piece of httpPieces(source, { headers, asItIs: true, begin }, options)) {
      if (done + piece.length > bytes.length) throw new TemporaryError(`${url} sent more than was asked for`);
      bytes.set(piece, done);
      done += piece.length;
      received(piece.length);
    }
    if (done < bytes.length) throw new TemporaryError(`${url} ended after ${done} of ${bytes.length} bytes`);
    return { bytes, total };
  }, options);
