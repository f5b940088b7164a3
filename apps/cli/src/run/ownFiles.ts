/** Whose files a folder has: a run writes over its own, and no command over another's. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../commandLine';

/** What runs write beside checkpoints and metrics. */
const FILES = [
  'model.safetensors',
  'model-best.safetensors',
  'model-ema.safetensors',
  'tokenizer.safetensors',
  'examples.png',
  'results.json',
  'unreadable.json',
  'report.html',
];

const holdsRun = (folder: string) => existsSync(join(folder, 'recipe.json'));

/** That a run's numbers are not written over by those of another command. @throws UsageError when `out` holds a run */
export function assertNoRun(out: string): void {
  if (holdsRun(out)) throw new UsageError(`${out} holds a run, with results of its own. Give another --out.`);
}

/**
 * That a run does not write over what is not its own, such as the checkpoint that it begins with.
 *
 * @throws UsageError when a folder that holds no run has a file that a run writes
 */
export function assertOwnFiles(out: string): void {
  const there = holdsRun(out) ? undefined : FILES.find((name) => existsSync(join(out, name)));
  if (there !== undefined)
    throw new UsageError(
      `'${join(out, there)}' is there, and is of no run in this folder: it would be written over. Give another --out.`,
    );
}
