import type { Response } from 'undici';
import { httpAddress } from './httpAddress';
import { type HttpOptions, httpPieces } from './httpPieces';
import { withRetries } from './withRetries';

export interface FetchedBytes {
  readonly bytes: Uint8Array;
  /** Where they came from in the end: addresses in a page are relative to it. */
  readonly url: string;
  /** The media type, in small letters and without parameters. */
  readonly type: string;
}

/**
 * Brings a small file, such as an index, into memory.
 *
 * @param options.accept the media types that are understood, as the header has them
 * @param options.mostBytes that are taken
 * @throws when the server refuses, gives up too often, or sends more
 */
export function fetchBytes(
  address: string,
  { accept, mostBytes, ...options }: HttpOptions & { readonly accept?: string; readonly mostBytes: number },
): Promise<FetchedBytes> {
  const source = httpAddress(address);
  return withRetries(async (received) => {
    const pieces: Uint8Array[] = [];
    let bytes = 0;
    let [url, type] = [source.url, ''];
    const request = {
      ...(accept !== undefined && { headers: { accept } }),
      begin(answer: Response) {
        url = answer.url || url;
        type = (answer.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase();
      },
    };
    for await (const piece of httpPieces(source, request, options)) {
      bytes += piece.length;
      if (bytes > mostBytes) throw new Error(`${url} is larger than ${mostBytes} bytes.`);
      pieces.push(piece);
      received(piece.length);
    }
    return { bytes: Buffer.concat(pieces), url, type };
  }, options);
}
