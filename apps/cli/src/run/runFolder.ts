import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../commandLine';
import { isLocked } from './runLock';

/** Where runs are written when nothing else is said. */
export const RUNS = fileURLToPath(new URL('../../../../runs', import.meta.url));

/** What a run was begun with; a folder is one from its first step on, when this is written. */
export const recipeOf = (folder: string): string => join(folder, 'recipe.json');

/** Whether a folder holds a run: one that failed before its first step is none. */
export const isBegun = (folder: string): boolean => existsSync(recipeOf(folder));

/** Whether it has come to its end, with its results. */
export const isFinished = (folder: string): boolean => existsSync(join(folder, 'results.json'));

/** The runs of a recipe, `<name>`, `<name>-2`, ..., in the order in which they were begun. */
export async function runFolders(name: string): Promise<string[]> {
  const names = await readdir(RUNS).catch(() => [] as string[]);
  const number = (folder: string) => Number(folder.slice(name.length + 1) || 1);
  return names
    .filter((folder) => folder.startsWith(name) && /^(-\d+)?$/.test(folder.slice(name.length)))
    .sort((a, b) => number(a) - number(b))
    .map((folder) => join(RUNS, folder))
    .filter((folder) => isBegun(folder) || isLocked(folder));
}

/** The folder of a new run. @param out absolute @throws UsageError where it holds one already */
export async function newFolder(out: string | undefined, name: string): Promise<string> {
  if (out !== undefined) {
    if (isBegun(out))
      throw new UsageError(`${out} holds a run. Add --resume to continue it, or give another --out.`);
    return out;
  }
  const newest = (await runFolders(name)).at(-1);
  if (newest === undefined) return join(RUNS, name);
  const [, last] = /-(\d+)$/.exec(basename(newest).slice(name.length)) ?? [undefined, '1'];
  return join(RUNS, `${name}-${Number(last) + 1}`);
}

/** The folder of the run that is to continue: `out`, or the newest of this name. @throws UsageError where there is none */
export async function begunFolder(out: string | undefined, name: string): Promise<string> {
  if (out === undefined) {
    const newest = (await runFolders(name)).findLast(isBegun);
    if (newest === undefined) throw new UsageError(`There is no run '${name}' to continue in ${RUNS}.`);
    return newest;
  }
  if (!isBegun(out)) throw new UsageError(`There is no run to continue in ${out}.`);
  return out;
}
