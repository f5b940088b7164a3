import { stat } from 'node:fs/promises';
import { UsageError } from './commandLine';

/**
 * That no file that is read is written over: by its name, a link to it, or another name of the same file.
 *
 * @param outputs files that would be written, and may not be there
 * @throws UsageError that names both
 */
export async function assertNoInput(outputs: readonly string[], inputs: readonly string[]): Promise<void> {
  const read = new Map<string, string>();
  for (const path of inputs) {
    const id = await identityOf(path);
    if (id !== undefined) read.set(id, path);
  }
  for (const path of outputs) {
    const id = await identityOf(path);
    const input = id === undefined ? undefined : read.get(id);
    if (input !== undefined)
      throw new UsageError(
        `'${path}' would be written over, and ${input === path ? 'it is' : `'${input}', the same file, is`} an input. ` +
          'Give another --out.',
      );
  }
}

/** Whatever links lead to it; undefined: it is not there. */
async function identityOf(path: string): Promise<string | undefined> {
  const info = await stat(path, { bigint: true }).catch(() => undefined);
  return info && `${info.dev}:${info.ino}`;
}
