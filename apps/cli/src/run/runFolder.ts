import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { launchedByMpi } from '@beit/mpi';
import { UsageError } from '../commandLine';
import { claimRun, isLocked, unclaimRun } from './runLock';

/** Where runs are written when nothing else is said. */
export const RUNS = fileURLToPath(new URL('../../../../runs', import.meta.url));

/** What a run was begun with; a folder is one from its first step on, when this is written. */
export const recipeOf = (folder: string): string => join(folder, 'recipe.json');

/** Whether a folder holds a run: one that failed before its first step is none. */
export const isBegun = (folder: string): boolean => existsSync(recipeOf(folder));

/** Whether it has come to its end, with its results. */
export const isFinished = (folder: string): boolean => existsSync(join(folder, 'results.json'));

/** Of a folder for a new run. */
export const holdsRun = (out: string) =>
  new UsageError(`${out} holds a run. Add --resume to continue it, or give another --out.`);

/** Another process has finished the run that was to continue, since it was looked at. */
export class FinishedRun extends Error {}

/** The runs of a recipe, `<name>`, `<name>-2`, ..., in the order in which they were begun. */
export async function runFolders(name: string, runs = RUNS): Promise<string[]> {
  const names = await readdir(runs).catch(() => [] as string[]);
  return names
    .filter((folder) => folder.startsWith(name) && /^(-\d+)?$/.test(folder.slice(name.length)))
    .sort((a, b) => numberOf(a, name) - numberOf(b, name))
    .map((folder) => join(runs, folder))
    .filter((folder) => isBegun(folder) || isLocked(folder));
}

/**
 * The folder of a new run. Of processes that begin one at the same time each gets its own; those of a job one for all, so
 * that there nothing is claimed before they have met.
 *
 * @param out absolute
 * @throws UsageError where it holds one already
 */
export async function newFolder(out: string | undefined, name: string, runs = RUNS): Promise<string> {
  if (out !== undefined) {
    if (isBegun(out)) throw holdsRun(out);
    return out;
  }
  const newest = (await runFolders(name, runs)).at(-1);
  let number = newest === undefined ? 1 : numberOf(newest, name) + 1;
  const folder = () => join(runs, number === 1 ? name : `${name}-${number}`);
  while (!launchedByMpi()) {
    if (!isBegun(folder()) && claimRun(folder())) {
      if (!isBegun(folder())) break;
      unclaimRun(folder());
    }
    number++;
  }
  return folder();
}

/** 1 of `<name>`, 2 of `<name>-2`. */
const numberOf = (folder: string, name: string) => Number(basename(folder).slice(name.length + 1) || 1);

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
