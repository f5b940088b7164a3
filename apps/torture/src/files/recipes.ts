/** Recipes as people write them, changed by meaning or in their bytes. */

import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { APPS, type App, fromApp } from '../fromApp';
import { RECIPES } from '../victims';
import { changeJson } from './changeJson';
import type { Format } from './format';
import { mutate } from './mutate';

interface AppOptions {
  parseOptions(args: readonly string[]): Promise<'help' | { readonly recipe: object }>;
}

/** As an app reads it from its command line. */
async function readRecipe(app: App, path: string): Promise<object> {
  const { parseOptions } = await fromApp<AppOptions>(app, 'options');
  const options = await parseOptions(['--recipe', path, '--data', dirname(path), '--dry-run']);
  if (options === 'help') throw new Error(`${path} is taken for a wish for help.`);
  return options.recipe;
}

const shares = { bytes: 0.25 };

export const recipeOf = (app: App): Format => ({
  name: `recipe-${app}`,
  ending: '.json',
  async make(folder) {
    const path = join(folder, `${app}.json`);
    await writeFile(path, JSON.stringify(RECIPES[app]));
    return Buffer.from(JSON.stringify({ extends: 'emoji', ...(await readRecipe(app, path)) }, null, 1));
  },
  change(whole, random) {
    if (random.uniform() < shares.bytes) return { bytes: mutate(whole, random) };
    const { value, keys } = changeJson(JSON.parse(Buffer.from(whole).toString()), random);
    return { bytes: Buffer.from(JSON.stringify(value)), keys };
  },
  read: (path) => readRecipe(app, path),
});

export const recipeFormats: readonly Format[] = APPS.map(recipeOf);
