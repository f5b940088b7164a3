import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Names, Unreadable } from '@beit/data';
import type { Communicator } from '@beit/mpi';
import type { ProgressReporter } from '@beit/trainer';
import { assertOwnFiles } from './ownFiles';
import { type RunClock, runClock } from './runClock';
import { assertSameImages } from './sharedData';
import type { RunResult } from './trainCommand';

export interface RunDescription<Stage extends string> {
  /** The folder. */
  readonly out: string;
  readonly recipe: object;
  /** How and on what the recipe is run. */
  readonly how: object;
  /** Those that are trained on. */
  readonly images: Names;
  /** Whose time is counted. */
  readonly stages: readonly [Stage, ...Stage[]];
  readonly job: Communicator;
  readonly progress: ProgressReporter;
}

export interface OpenedRun<Stage extends string> extends RunClock<Stage> {
  /** Whether this process of the job evaluates and writes. */
  readonly isFirst: boolean;
  /** Writes the page and the numbers: with them a run is finished. */
  finish(
    outcome: Pick<RunResult, 'summary'> & {
      readonly unreadable: readonly Unreadable[];
      readonly results: object;
      readonly page: () => Promise<string>;
    },
  ): Promise<RunResult>;
}

/**
 * Makes a folder a run, or continues the one that it is. Whatever can be wrong with images or a checkpoint is found
 * before: a mistake leaves nothing behind.
 *
 * @throws in all processes of a job unless they train on the same images; UsageError as `assertOwnFiles`
 */
export async function openRun<Stage extends string>({
  out,
  recipe,
  how,
  images,
  stages,
  job,
  progress,
}: RunDescription<Stage>): Promise<OpenedRun<Stage>> {
  const isFirst = job.rank === 0;
  assertOwnFiles(out);
  await assertSameImages(job, images);
  await mkdir(out, { recursive: true });
  const writeJson = (name: string, value: object) =>
    writeFile(join(out, name), `${JSON.stringify(value, null, 2)}\n`);
  if (isFirst) await writeJson('recipe.json', { ...recipe, run: how });
  return {
    ...(await runClock(out, stages, isFirst)),
    isFirst,
    async finish({ summary, unreadable, results, page }) {
      if (unreadable.length > 0) await writeJson('unreadable.json', unreadable);
      progress.message('Drawing the report');
      const report = join(out, 'report.html');
      await writeFile(report, await page());
      await writeJson('results.json', results);
      return { interrupted: false, summary, report };
    },
  };
}
