import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';

export const LOCK = '.lock';

const BEAT_SECONDS = 5;
/** So many seconds without a beat, and its owner is dead. */
const DEAD_SECONDS = 30;
const POLL_SECONDS = 0.1;

const sleep = (seconds: number) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));

const ownerText = (thread: number) => `${hostname()} ${process.pid} ${thread}`;

/*
 * A lock is a folder with one file in it, the owner's: an empty one, and none, are free. The file has a name of its own, so
 * that two who find the owner dead at the same time cannot remove the lock that one of them has taken meanwhile. A folder
 * takes the place of an empty one, and of no other, in one step.
 */

/**
 * Runs `use` for one at a time of all threads and processes that name this path, on this machine or on others that share its file system.
 *
 * @param path ends in `.lock`
 * @param options.wait whether to wait for another's turn to end; otherwise `use` is left out
 */
export async function withLock(path: string, use: () => Promise<void>, { wait = true } = {}): Promise<void> {
  let beat: { owner: string; time: number | undefined; seen: number } | undefined;
  let own: string | undefined;
  for (;;) {
    const owner = await ownerOf(path);
    if (owner === undefined) {
      own = await acquired(path);
      if (own !== undefined) break;
      continue;
    }
    // Clocks of other machines may be wrong, so that only a change says anything.
    const time = (await stat(owner).catch(() => undefined))?.mtimeMs;
    if (beat?.owner !== owner || beat.time !== time) beat = { owner, time, seen: performance.now() };
    if (performance.now() - beat.seen > 1000 * DEAD_SECONDS || (await isOfDeadProcess(owner)))
      await remove(owner);
    else if (wait) await sleep(POLL_SECONDS);
    else return;
  }
  const timer = setInterval(() => {
    const now = new Date();
    utimes(own, now, now).catch(() => {});
  }, 1000 * BEAT_SECONDS);
  try {
    await use();
  } finally {
    clearInterval(timer);
    await remove(own);
    await removeEmpty(path);
  }
}

/** When the owner of a lock last said that it lives, in milliseconds since 1970; undefined where it is free. */
export async function lastBeat(path: string): Promise<number | undefined> {
  const owner = await ownerOf(path);
  return owner === undefined ? undefined : (await stat(owner).catch(() => undefined))?.mtimeMs;
}

/** The owner's file; undefined where there is none. */
async function ownerOf(path: string): Promise<string | undefined> {
  try {
    const [name] = await readdir(path);
    return name === undefined ? undefined : join(path, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    // As earlier versions made them: the lock itself is the owner's file.
    if (code === 'ENOTDIR') return path;
    throw error;
  }
}

/** A folder is no more to be put there: another has been faster. Windows has words of its own for it. */
const TAKEN: readonly (string | undefined)[] = [
  'ENOTEMPTY',
  'EEXIST',
  'ENOTDIR',
  ...(process.platform === 'win32' ? ['EPERM', 'EACCES'] : []),
];

/** @returns this owner's file; undefined where another was faster */
async function acquired(path: string): Promise<string | undefined> {
  const name = randomUUID();
  const folder = `${path}.${name}${LOCK}`;
  await mkdir(folder);
  try {
    await writeFile(join(folder, name), ownerText(threadId));
    await removeEmpty(path);
    await rename(folder, path);
    return join(path, name);
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    if (TAKEN.includes((error as NodeJS.ErrnoException).code)) return undefined;
    throw error;
  }
}

/** It may be gone already, or be a folder by now. */
const remove = (owner: string): Promise<void> => rm(owner).catch(() => {});

const removeEmpty = (path: string): Promise<void> => rmdir(path).catch(() => {});

async function isOfDeadProcess(owner: string): Promise<boolean> {
  const [host, pid] = (await readFile(owner, 'utf8').catch(() => '')).split(' ');
  if (host !== hostname() || !pid) return false;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/** Ends the turns of threads of this process that were stopped. */
export async function releaseLocks(directory: string, threads: readonly number[]): Promise<void> {
  const owners = threads.map(ownerText);
  for (const name of await readdir(directory).catch(() => [])) {
    if (!name.endsWith(LOCK)) continue;
    const path = join(directory, name);
    const owner = await ownerOf(path);
    if (owner === undefined || !owners.includes(await readFile(owner, 'utf8').catch(() => ''))) continue;
    await remove(owner);
    await removeEmpty(path);
  }
}
