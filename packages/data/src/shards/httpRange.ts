import { contentRange, type HttpOptions, httpPieces, TemporaryError, withRetries } from './httpAnswer';

/** A file on a server of which parts are read. */
export interface HttpFile {
  readonly byteLength: number;
  /** Bytes from `start` to before `end`, as of an array. */
  slice(start: number, end?: number): Promise<ArrayBuffer>;
}

/** @throws when the server does not know ranges, or fails again and again */
export async function httpFile(address: string, options: HttpOptions = {}): Promise<HttpFile> {
  const { total } = await readRange(address, 0, 1, options);
  return {
    byteLength: total,
    slice: async (start, end = total) => {
      const first = start < 0 ? Math.max(0, total + start) : start;
      const { bytes } = await readRange(address, first, Math.min(end, total), options);
      return bytes.buffer;
    },
  };
}

const readRange = (
  address: string,
  start: number,
  end: number,
  options: HttpOptions,
): Promise<{ bytes: Uint8Array<ArrayBuffer>; total: number }> =>
  withRetries(async (received) => {
    const bytes = new Uint8Array(end - start);
    let [done, total] = [0, 0];
    const pieces = httpPieces(
      address,
      { range: `bytes=${start}-${end - 1}` },
      (answer) => {
        const range = contentRange(answer);
        if (answer.status !== 206 || !range) {
          throw new Error(
            `${address} answered ${answer.status}, not with the part that was asked for: its server must know range requests.`,
          );
        }
        if (range.first !== start)
          throw new TemporaryError(`${address} sent another part than bytes ${start} to ${end}`);
        total = range.total;
      },
      options,
    );
    for await (const piece of pieces) {
      if (done + piece.length > bytes.length)
        throw new TemporaryError(`${address} sent more than was asked for`);
      bytes.set(piece, done);
      done += piece.length;
      received(piece.length);
    }
    if (done < bytes.length)
      throw new TemporaryError(`${address} ended after ${done} of ${bytes.length} bytes`);
    return { bytes, total };
  }, options);
