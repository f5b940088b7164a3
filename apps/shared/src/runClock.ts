import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Seconds of a run, those before it was interrupted included; they are kept in its folder. */
export async function runClock(out: string): Promise<{ seconds(): number; save(): Promise<void> }> {
  const path = join(out, 'seconds.json');
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const before = text === undefined ? 0 : (JSON.parse(text) as number);
  const began = performance.now();
  const seconds = () => before + (performance.now() - began) / 1000;
  return { seconds, save: () => writeFile(path, JSON.stringify(seconds())) };
}

/** Writes the resolved recipe, and how it is run: with this a folder is a run. */
export const writeRecipe = (out: string, recipe: object, run: object): Promise<void> =>
  writeFile(join(out, 'recipe.json'), `${JSON.stringify({ ...recipe, run }, null, 2)}\n`);
