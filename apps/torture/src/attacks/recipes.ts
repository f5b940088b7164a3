import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Attack, failed, SURVIVED } from '../attack';
import { recipeOf } from '../files/recipes';
import { oneOf } from '../oneOf';
import { launch, memoryOf } from '../process';
import { command, describeEnd, lastLines, type Victim } from '../victims';
import { FILES, RAW, tryFiles } from './files';

/** Of the recipes that are taken, so many are trained with. */
const TRAINED = 2;
/** Then a run is asked to stop: a recipe may say that it is long. */
const LONG_MS = 15_000;
/** Then it is ended: a model may be large, and this machine small. */
const MOST_BYTES = 2 ** 31;

/** Recipes with other values: refused by the names of file and key, or trained with. */
export const recipes = (victim: Victim): Attack => ({
  name: `recipes-${victim.app}`,
  about: `${FILES} changed recipes of ${victim.app}: refused by the names of file and key, or taken; some of these are trained with`,
  async attempt(one) {
    await victim.whole();
    const taken: string[] = [];
    const verdict = await tryFiles(recipeOf(victim.app), one, (path) => taken.push(path));
    if (!verdict.survived) return verdict;
    for (let i = 0; i < Math.min(TRAINED, taken.length); i++) {
      const recipe = oneOf(one.random, taken);
      const wrong = await wrongWithRun(victim, recipe, join(one.folder, `run-${i}`));
      if (wrong !== undefined) return failed(`trained with ${recipe} ${wrong}`);
    }
    return SURVIVED;
  },
});

async function wrongWithRun(victim: Victim, recipe: string, out: string): Promise<string | undefined> {
  const { child, ended } = launch(command(victim.app, victim.begin(out, { recipe })));
  const long = setTimeout(() => child.kill('SIGINT'), LONG_MS);
  let isLarge = false;
  const watching = setInterval(() => {
    isLarge ||= memoryOf(child) > MOST_BYTES;
    if (isLarge) child.kill('SIGKILL');
  }, 100);
  const end = await ended;
  clearTimeout(long);
  clearInterval(watching);
  if (isLarge) return undefined;
  const { status, stderr, timedOut } = end;
  if (timedOut) return 'it never ends';
  // A model that is being compiled hears of a signal later, or not at all.
  if (status === 130 || end.signal === 'SIGINT') return undefined;
  if (status === 1)
    return RAW.test(stderr) || /\bE[A-Z]*Error:|^\s+at /m.test(stderr)
      ? `it ends with: ${lastLines(stderr)}`
      : undefined;
  if (status !== 0) return `it ends with ${describeEnd(end)}: ${lastLines(stderr)}`;
  return metricsOf(out).some((text) => /\bnull\b/.test(text)) ? 'its metrics are no numbers' : undefined;
}

/** What the logs of a run say. */
const metricsOf = (out: string): string[] =>
  ['', 'tokenizer', 'pretrain']
    .map((stage) => join(out, stage, 'metrics.jsonl'))
    .filter((path) => existsSync(path))
    .map((path) => readFileSync(path, 'utf8'));
