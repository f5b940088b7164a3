import { open, readdir, readFile, rm, stat, utimes } from 'node:fs/promises';
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

/**
 * Runs `use` for one at a time of all threads and processes that name this file, on this machine or on others that share its file system.
 *
 * @param path ends in `.lock`
 * @param options.wait whether to wait for another's turn to end; otherwise `use` is left out
 */
export async function withLock(path: string, use: () => Promise<void>, { wait = true } = {}): Promise<void> {
  let beat: { time: number | undefined; seen: number } | undefined;
  for (;;) {
    const file = await open(path, 'wx').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
    if (file) {
      await file.writeFile(ownerText(threadId));
      await file.close();
      break;
    }
    // Clocks of other machines may be wrong, so that only a change says anything.
    const time = (await stat(path).catch(() => undefined))?.mtimeMs;
    if (beat === undefined || beat.time !== time) beat = { time, seen: performance.now() };
    if (performance.now() - beat.seen > 1000 * DEAD_SECONDS || (await isOfDeadProcess(path))) {
      await rm(path, { force: true });
    } else if (wait) await sleep(POLL_SECONDS);
    else return;
  }
  const timer = setInterval(() => {
    const now = new Date();
    utimes(path, now, now).catch(() => {});
  }, 1000 * BEAT_SECONDS);
  try {
    await use();
  } finally {
    clearInterval(timer);
    await rm(path, { force: true });
  }
}

async function isOfDeadProcess(path: string): Promise<boolean> {
  const [host, pid] = (await readFile(path, 'utf8').catch(() => '')).split(' ');
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
    if (owners.includes(await readFile(path, 'utf8').catch(() => ''))) await rm(path, { force: true });
  }
}
