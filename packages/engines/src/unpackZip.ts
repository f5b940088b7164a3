import { createWriteStream } from 'node:fs';
import { dirname, join, relative, resolve, sep } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { makeFolder } from '@beit/tensors';
import { type Entry, openPromise } from 'yauzl';

export interface UnpackOptions {
  /** The path under the folder for an entry's name, or `undefined` to leave it out. */
  readonly select: (name: string) => string | undefined;
  /** Bytes that all selected files may have together, unpacked. */
  readonly largest: number;
  readonly signal?: AbortSignal;
}

/**
 * Unpacks chosen files of a zip archive into a folder. Archives are taken for hostile: names that lead out of the
 * folder, links, two entries for one file, and more bytes than announced or allowed are errors.
 *
 * @returns the paths written, relative to the folder
 */
export async function unpackZip(
  archive: string,
  folder: string,
  { select, largest, signal }: UnpackOptions,
): Promise<string[]> {
  // yauzl itself refuses absolute names, '..', backslashes, and entries longer or shorter than they say.
  const zip = await openPromise(archive, { strictFileNames: true });
  const written: string[] = [];
  let bytes = 0;
  try {
    for await (const entry of zip.eachEntry()) {
      signal?.throwIfAborted();
      const path = entry.fileName.endsWith('/') ? undefined : select(entry.fileName);
      if (path === undefined) continue;
      assertPlainFile(entry, archive);
      bytes += entry.uncompressedSize;
      if (bytes > largest) {
        throw new Error(`${archive} would unpack to more than ${largest} bytes, which is not expected.`);
      }
      const target = inside(folder, path);
      await makeFolder(dirname(target));
      // 'wx': an entry never writes over another one's file.
      // Programs stay programs.
      const mode = 0o666 | ((entry.externalFileAttributes >>> 16) & 0o111);
      await pipeline(
        await zip.openReadStreamPromise(entry),
        createWriteStream(target, { flags: 'wx', mode }),
        { ...(signal ? { signal } : {}) },
      );
      written.push(path);
    }
  } finally {
    zip.close();
  }
  return written;
}

function assertPlainFile({ externalFileAttributes, fileName }: Entry, archive: string): void {
  const type = (externalFileAttributes >>> 16) & 0o170000;
  if (type !== 0 && type !== 0o100000) {
    throw new Error(`${archive}: '${fileName}' is no plain file; links are not unpacked.`);
  }
}

function inside(folder: string, path: string): string {
  const target = resolve(join(folder, path));
  const from = relative(resolve(folder), target);
  if (from === '' || from === '..' || from.startsWith(`..${sep}`) || resolve(from) === from) {
    throw new Error(`'${path}' leads out of ${folder}.`);
  }
  return target;
}
