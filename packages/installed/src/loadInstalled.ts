import { rmSync } from 'node:fs';
import { readdir, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { threadId } from 'node:worker_threads';
import { assertUndamaged } from './engineDamage';
import { engineFolder, type Installable } from './installedEngine';
import { here, type Surroundings } from './surroundings';

/** Watches over an engine until it has worked once. */
export interface LoadingGuard {
  /** Does something with the engine; where that fails, an engine that is damaged is told of in place of the failure. */
  attempt<R>(work: () => R | Promise<R>): Promise<R>;
  /** The engine has worked, so it is taken to be whole. */
  done(): void;
}

const MARK = /^loading-(\d+)-\d+$/;

/**
 * Guards the loading of an installed engine: a damaged library ends the process without a word, at the latest where its code
 * is first used. So the sizes of its files are checked before; and a mark in its folder stays until it has worked, or the
 * process ends of itself: the next process knows by it that one ended there, and checks the contents too.
 *
 * @throws DamagedEngineError where the engine is damaged
 */
export async function loadInstalled(
  name: Installable,
  surroundings: Surroundings = here(),
): Promise<LoadingGuard> {
  const folder = engineFolder(name, surroundings);
  const crashed = await crashedMarks(folder);
  await assertUndamaged(name, crashed.length > 0 ? 'contents' : 'sizes', surroundings);
  await Promise.all(crashed.map((mark) => rm(mark, { force: true }).catch(() => {})));

  const mark = join(folder, `loading-${process.pid}-${threadId}`);
  // Where the cache may not be written, only the sizes are checked.
  await writeFile(mark, '').catch(() => {});
  const remove = () => {
    try {
      rmSync(mark, { force: true });
    } catch {
      // The next process checks once more than it needs to.
    }
  };
  process.once('exit', remove);
  let isDone = false;
  return {
    async attempt(work) {
      try {
        return await work();
      } catch (error) {
        if (!isDone) await assertUndamaged(name, 'contents', surroundings);
        throw error;
      }
    },
    done() {
      if (isDone) return;
      isDone = true;
      process.off('exit', remove);
      remove();
    },
  };
}

/** The marks of processes that are no more. */
async function crashedMarks(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  const crashed: string[] = [];
  for (const name of names) {
    const pid = MARK.exec(name)?.[1];
    if (pid === undefined) continue;
    const mark = join(folder, name);
    if (!(await isAlive(Number(pid), mark))) crashed.push(mark);
  }
  return crashed;
}

/** In a container, a process often has the number of the one before it: then the mark is older than the process. */
async function isAlive(pid: number, mark: string): Promise<boolean> {
  if (pid === process.pid) {
    const made = await stat(mark).then(
      ({ mtimeMs }) => mtimeMs,
      () => Number.POSITIVE_INFINITY,
    );
    return made >= Date.now() - process.uptime() * 1000;
  }
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
