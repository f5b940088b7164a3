import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';

/** Without waiting for what a pipe may bring; Windows has neither. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

const kindOf = (info: Pick<Stats, 'isDirectory' | 'isFIFO' | 'isSocket'>): string => {
  if (info.isDirectory()) return 'a folder';
  if (info.isFIFO()) return 'a named pipe';
  return info.isSocket() ? 'a socket' : 'a device';
};

/** What a system says in codes, for people. */
function refusal(path: string, cause: NodeJS.ErrnoException): Error {
  const what: Readonly<Record<string, string>> = {
    ENOENT: 'is not there',
    EACCES: 'may not be read: permission is denied to this user',
    EPERM: 'may not be read: permission is denied to this user',
    ENXIO: 'is a socket or a device; expected a regular file',
  };
  const known = what[cause.code ?? ''];
  return Object.assign(
    new Error(`'${path}' ${known ?? `could not be read: ${cause.message}`}.`, { cause }),
    cause.code !== undefined && { code: cause.code },
  );
}

function assertRegular(path: string, info: Stats): void {
  if (!info.isFile()) throw new Error(`'${path}' is ${kindOf(info)}; expected a regular file.`);
}

function assertBytes(path: string, { size }: Stats, mostBytes: number): void {
  if (size > mostBytes)
    throw new Error(`'${path}' has ${size} bytes; files of at most ${mostBytes} are read.`);
}

/**
 * Opens a file for reading. A pipe, a socket or a device would be waited for without end.
 *
 * @returns its descriptor and its size in bytes
 * @throws when it is none, is not there or may not be read: the error names it
 */
export function openRegularSync(path: string): { readonly file: number; readonly bytes: number } {
  let file: number;
  try {
    file = openSync(path, FLAGS);
  } catch (error) {
    throw refusal(path, error as NodeJS.ErrnoException);
  }
  try {
    const info = fstatSync(file);
    assertRegular(path, info);
    return { file, bytes: info.size };
  } catch (error) {
    closeSync(file);
    throw error;
  }
}

/** What is in a file. @throws as `openRegularSync`, and when it has more than `mostBytes` */
export function readRegularSync(path: string, mostBytes: number): Buffer {
  const { file } = openRegularSync(path);
  try {
    const info = fstatSync(file);
    assertBytes(path, info, mostBytes);
    const content = Buffer.allocUnsafeSlow(info.size);
    let done = 0;
    while (done < content.length) {
      const more = readSync(file, content, done, content.length - done, done);
      if (more === 0) break;
      done += more;
    }
    return content.subarray(0, done);
  } finally {
    closeSync(file);
  }
}

/** The same without keeping this thread. @throws as `readRegularSync` */
export async function readRegular(path: string, mostBytes: number): Promise<Buffer> {
  let file: FileHandle;
  try {
    file = await open(path, FLAGS);
  } catch (error) {
    throw refusal(path, error as NodeJS.ErrnoException);
  }
  try {
    const info = await file.stat();
    assertRegular(path, info);
    assertBytes(path, info, mostBytes);
    return await file.readFile();
  } finally {
    await file.close();
  }
}
