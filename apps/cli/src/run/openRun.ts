import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ImageSource, sourceIdentity, type Unreadable } from '@beit/data';
import type { Communicator } from '@beit/mpi';
import { makeFolder, messageOf } from '@beit/tensors';
import type { ProgressReporter } from '@beit/trainer';
import type { OptionTexts } from '../options/optionTable';
import { assertOwnFiles } from './ownFiles';
import { type RunClock, runClock } from './runClock';
import { FinishedRun, holdsRun, isBegun, isFinished, recipeOf } from './runFolder';
import { assertImagesOfRun, assertSameImages, imagesIn } from './runImages';
import { lockRun } from './runLock';
import type { RunResult } from './trainCommand';
import { describeUnreadable, unreadableIn } from './unreadableOfAll';
import { writeJson, writeWhole } from './writeWhole';

export interface RunDescription<Stage extends string> {
  /** The folder. */
  readonly out: string;
  /** Whether it is to hold the run already, begun as `recipe` and `how` say. */
  readonly resumes: boolean;
  readonly recipe: object;
  /** With which options the recipe is run. */
  readonly how: OptionTexts;
  /** Those that are trained on, those that are measured on, and their masks where there are any. */
  readonly images: readonly ImageSource[];
  /** Whose time is counted. */
  readonly stages: readonly [Stage, ...Stage[]];
  readonly job: Communicator;
  readonly progress: ProgressReporter;
}

export interface OpenedRun<Stage extends string> extends RunClock<Stage> {
  /** Whether this process of the job evaluates and writes. */
  readonly isFirst: boolean;
  /** Whether the folder held the run before. */
  readonly continues: boolean;
  /** Is to be called after each step: the first one makes the folder a run. */
  onStep(): void;
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
 * Opens a folder for a run, or for the one that it holds, and keeps other processes out until this one ends. It becomes a
 * run, with `recipe.json`, after the first step: whatever fails before leaves none behind. Whatever can be wrong with
 * images or a checkpoint is found before it is called: such a mistake leaves no folder either.
 *
 * @throws in all processes of a job unless they train on the same images; UsageError as `assertOwnFiles`, where another
 *   process trains there, and where one has begun a run there that is not to be continued; FinishedRun where one has
 *   finished the run
 */
export async function openRun<Stage extends string>({
  out,
  resumes,
  recipe,
  how,
  images,
  stages,
  job,
  progress,
}: RunDescription<Stage>): Promise<OpenedRun<Stage>> {
  const isFirst = job.rank === 0;
  assertOwnFiles(out);
  const identity = await sourceIdentity(images);
  await assertSameImages(job, identity);
  await makeFolder(out);
  const release = isFirst ? lockRun(out) : () => {};
  // Only now: until then another process may have begun the run, or finished it.
  const found = Int32Array.of(Number(isFirst && isBegun(out)), Number(isFirst && isFinished(out)));
  await job.allReduce(found, 'max');
  const [continues, finished] = [found[0] === 1, found[1] === 1];
  try {
    if (continues && !resumes) throw holdsRun(out);
    if (continues && finished) throw new FinishedRun(`The run in ${out} is finished.`);
    if (continues) await assertImagesOfRun(out, identity, progress);
  } catch (error) {
    release();
    throw error;
  }
  let isWritten = continues;
  return {
    ...(await runClock(out, stages, { keeps: isFirst, continues, progress })),
    isFirst,
    continues,
    onStep() {
      if (isWritten || !isFirst) return;
      // Whole or not at all, and before anything is saved of the step; the recipe, which makes it a run, last.
      writeSync(imagesIn(out), identity);
      writeSync(recipeOf(out), { ...recipe, run: how });
      isWritten = true;
    },
    async finish({ summary, unreadable, results, page }) {
      if (unreadable.length > 0) {
        await writeJson(unreadableIn(out), unreadable);
        progress.message(describeUnreadable(unreadable, out));
      }
      progress.message('Drawing the report');
      const report = join(out, 'report.html');
      await writeWhole(report, await page());
      await writeJson(join(out, 'results.json'), results);
      return { interrupted: false, summary, report };
    },
  };
}

function writeSync(path: string, value: object): void {
  const temporary = `${path}.tmp`;
  try {
    writeFileSync(temporary, `${JSON.stringify(value, null, 2)}\n`);
    renameSync(temporary, path);
  } catch (cause) {
    rmSync(temporary, { force: true });
    throw new Error(`Cannot write ${path}: ${messageOf(cause)}`, { cause });
  }
}
