import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Compressors } from 'hyparquet';
import { compressors } from 'hyparquet-compressors';

/** A page is read as a whole; writers make them of about a megabyte, or of one value. */
const MOST_PAGE_BYTES = 2 ** 29;

/** Every codec of Parquet but LZO, which none writes: Node's own where it has one in all releases. */
const CODECS: Compressors = {
  ...compressors,
  GZIP: (bytes, maxOutputLength) => gunzipSync(bytes, { maxOutputLength: Math.max(1, maxOutputLength) }),
  BROTLI: (bytes, maxOutputLength) =>
    brotliDecompressSync(bytes, { maxOutputLength: Math.max(1, maxOutputLength) }),
};

/** They take no memory for more than `MOST_PAGE_BYTES`, whatever a file claims. */
export const PARQUET_CODECS: Compressors = Object.fromEntries(
  Object.entries(CODECS).map(([name, decompress]) => [
    name,
    (bytes: Uint8Array, size: number) => {
      if (!(size >= 0 && size <= MOST_PAGE_BYTES))
        throw new Error(`a page has ${size} bytes; at most ${MOST_PAGE_BYTES} are read`);
      return decompress!(bytes, size);
    },
  ]),
);
