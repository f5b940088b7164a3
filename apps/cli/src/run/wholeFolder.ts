import { readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { makeFolder } from '@beit/tensors';

const TEMPORARY = '.tmp';

/**
 * Makes a folder that is there whole or not at all: meanwhile its name is `folder.PID.tmp`. What processes left that were
 * killed at it is removed.
 *
 * @param write makes the folder whose path it is given
 * @throws what `write` throws, and when a folder with files is there in the end
 */
export async function makeWhole(folder: string, write: (partial: string) => Promise<void>): Promise<void> {
  await makeFolder(dirname(folder));
  await removeLeftovers(folder);
  const partial = `${folder}.${process.pid}${TEMPORARY}`;
  try {
    await write(partial);
    await rename(partial, folder);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
}

/** Those of this process's number are its predecessor's. */
async function removeLeftovers(folder: string): Promise<void> {
  const above = dirname(folder);
  const begin = `${basename(folder)}.`;
  for (const name of await readdir(above)) {
    const pid =
      name.startsWith(begin) && name.endsWith(TEMPORARY) && name.slice(begin.length, -TEMPORARY.length);
    if (pid && /^\d+$/.test(pid) && (Number(pid) === process.pid || !isAlive(Number(pid))))
      await rm(join(above, name), { recursive: true, force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH';
  }
}
