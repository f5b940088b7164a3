import { link, mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '@beit/installed';
import { newestFirst } from '../newestFirst';

/** Programs kept; one of ViT-B is 7 MB. */
const MOST_PROGRAMS = 32;
const COMPILING = 'compiling-';
/** Longer than any compilation: older folders are of processes that were killed. */
const LEFT_BEHIND_MS = 24 * 60 * 60 * 1000;

/**
 * Compiles where OpenVINO finds the programs that were kept, and keeps the one that it makes. OpenVINO writes into a file
 * that other processes have mapped into memory, which kills them: so every compilation has a folder of its own, with links
 * to the kept programs, and what is new there is moved to the others when it is whole.
 *
 * @param compileIn compiles with the given folder as `CACHE_DIR`; `undefined` where nothing can be kept
 */
export async function withProgramCache<T>(
  compileIn: (own: string | undefined) => T,
  folder = join(cacheFolder(), 'programs'),
): Promise<T> {
  const own = await ownFolder(folder).catch(() => undefined); // The disk is full or may not be written.
  if (own === undefined) return compileIn(undefined);
  try {
    const compiled = compileIn(own);
    for (const name of await readdir(own)) {
      const isLinked = (await stat(join(own, name))).nlink > 1;
      if (!isLinked) await rename(join(own, name), join(folder, name));
    }
    return compiled;
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

/** A new folder with links to the programs that are kept. */
async function ownFolder(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true });
  const kept = await keptPrograms(folder);
  const own = await mkdtemp(join(folder, COMPILING));
  // One that cannot be linked, because another process removed it or the disk has no links, is compiled anew.
  await Promise.all(kept.map((name) => link(join(folder, name), join(own, name)).catch(() => {})));
  return own;
}

/** The names of the newest programs; older ones are removed. */
async function keptPrograms(folder: string): Promise<readonly string[]> {
  const entries = await newestFirst(folder);
  const programs = entries.map(({ name }) => name).filter((name) => name.endsWith('.blob'));
  const leftBehind = entries
    .filter(({ name, changed }) => name.startsWith(COMPILING) && changed < Date.now() - LEFT_BEHIND_MS)
    .map(({ name }) => name);
  const old = [...programs.slice(MOST_PROGRAMS - 1), ...leftBehind];
  await Promise.all(old.map((name) => rm(join(folder, name), { recursive: true, force: true })));
  return programs.slice(0, MOST_PROGRAMS - 1);
}
