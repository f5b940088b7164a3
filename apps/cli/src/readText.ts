import { readFile, stat } from 'node:fs/promises';
import { messageOf } from '@beit/tensors';
import { UsageError } from './commandLine';

/** Names of 22,000 classes take 1 MB. */
const MOST_BYTES = 2 ** 24;

/**
 * What is in a text file that was named on the command line.
 *
 * @throws UsageError when it is no regular file (a pipe might never end), may not be read, or has more than `mostBytes`
 */
export async function readText(path: string, mostBytes = MOST_BYTES): Promise<string> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw new UsageError(`'${path}' could not be read: ${messageOf(error)}.`);
  });
  if (!info) throw new UsageError(`There is no file '${path}'.`);
  if (!info.isFile()) throw new UsageError(`'${path}' is no regular file; expected one.`);
  if (info.size > mostBytes)
    throw new UsageError(`'${path}' has ${info.size} bytes; expected a text of at most ${mostBytes}.`);
  return readFile(path, 'utf8').catch((error: Error) => {
    throw new UsageError(`'${path}' could not be read: ${messageOf(error)}.`);
  });
}
