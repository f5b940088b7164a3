import { closeSync, readSync } from 'node:fs';
import type { AsyncBuffer } from 'hyparquet';
import { openArchive } from './openArchive';
import { ShardError } from './shardError';
import { isAddress } from './shardFile';

/** A Parquet file, here or on a server, of which parts are read. */
export interface ParquetFile extends AsyncBuffer {
  close(): void;
}

/** @throws ShardError when it can't be opened, and when a part beyond its end is asked for */
export async function openParquetFile(location: string): Promise<ParquetFile> {
  if (isAddress(location)) {
    // Much to load for a thread that reads files of this machine.
    const { httpFile } = await import('@beit/download');
    const { byteLength, slice } = await httpFile(location).catch((cause: Error) => {
      throw new ShardError(cause.message, { cause });
    });
    return { ...within(location, byteLength, slice), close() {} };
  }
  const { file, bytes } = openArchive(location);
  return {
    ...within(location, bytes, (start, end) => {
      const content = new Uint8Array(end - start);
      if (readSync(file, content, 0, content.length, start) < content.length)
        throw new ShardError(`'${location}' became shorter while it was read.`);
      return content.buffer;
    }),
    close: () => closeSync(file),
  };
}

/** What a damaged file says of places in it must not take memory. */
const within = (
  location: string,
  byteLength: number,
  read: (start: number, end: number) => ArrayBuffer | Promise<ArrayBuffer>,
): AsyncBuffer => ({
  byteLength,
  slice(from, to = byteLength) {
    const start = from < 0 ? Math.max(0, byteLength + from) : from;
    if (!(start <= to && to <= byteLength))
      throw new ShardError(
        `'${location}' is damaged: it names the bytes ${start} to ${to}, and has ${byteLength}.`,
      );
    return read(start, to);
  },
});
