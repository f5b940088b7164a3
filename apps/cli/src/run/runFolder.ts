import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../commandLine';

/** Where runs are written when nothing else is said. */
export const RUNS = fileURLToPath(new URL('../../../../runs', import.meta.url));

const isStarted = (folder: string) => existsSync(join(folder, 'recipe.json'));

/** The runs of a recipe, `<name>`, `<name>-2`, ..., in the order in which they were begun. */
export async function runFolders(name: string): Promise<string[]> {
  const names = await readdir(RUNS).catch(() => [] as string[]);
  const number = (folder: string) => Number(folder.slice(name.length + 1) || 1);
  return names
    .filter((folder) => folder.startsWith(name) && /^(-\d+)?$/.test(folder.slice(name.length)))
    .sort((a, b) => number(a) - number(b))
    .map((folder) => join(RUNS, folder));
}

/**
 * The folder of a run. A run that is there is only continued when that is asked for.
 *
 * @param out absolute
 */
export async function outFolder(out: string | undefined, name: string, resume: boolean): Promise<string> {
  if (out !== undefined) {
    if (resume && !isStarted(out)) throw new UsageError(`There is no run to continue in ${out}.`);
    if (!resume && isStarted(out)) {
      throw new UsageError(`${out} holds a run. Add --resume to continue it, or give another --out.`);
    }
    return out;
  }
  const newest = (await runFolders(name)).at(-1);
  if (resume) {
    if (newest === undefined)
      throw new UsageError(`There is no run of the recipe '${name}' to continue in ${RUNS}.`);
    return newest;
  }
  if (newest === undefined) return join(RUNS, name);
  const [, last] = /-(\d+)$/.exec(basename(newest).slice(name.length)) ?? [undefined, '1'];
  return join(RUNS, `${name}-${Number(last) + 1}`);
}
