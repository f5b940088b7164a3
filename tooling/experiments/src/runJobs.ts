import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UsageError } from '@beit/cli';
import { type Job, resultsOf } from './job';

const APPS = fileURLToPath(new URL('../../../apps', import.meta.url));
const START = ['--conditions=@beit/source', '--import', 'tsx', 'src/main.ts'];

export interface RunJobsOptions<J extends Job> {
  /** Runs side by side. */
  readonly parallel: number;
  readonly signal: AbortSignal;
  /** Does one job; its folder has its results after it. Default: a process of the job's app. */
  readonly run?: (job: J, signal: AbortSignal) => Promise<void>;
  /** Those that wait for the job wait for this too. */
  readonly onDone: (job: J, seconds: number) => void | Promise<void>;
}

/** What another experiment left. */
const NO_JOB: Omit<Job, 'folder'> = { app: 'pretrain', args: [], needs: [] };

const isDone = (job: Job) => existsSync(resultsOf(job));

/**
 * Runs what is not done yet, each job as soon as those that it needs are done; one that was interrupted continues.
 * @throws UsageError when one was begun with another recipe; when a job fails, with what it said; others are stopped then
 */
export async function runJobs<J extends Job>(
  jobs: readonly J[],
  { parallel, signal, run = runApp, onDone }: RunJobsOptions<J>,
): Promise<void> {
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  for (const job of jobs) await assertSameRecipe(job);
  const waiting = jobs.filter((job) => !isDone(job));
  const byFolder = new Map(jobs.map((job) => [job.folder, job]));
  const isThere = (folder: string) => isDone(byFolder.get(folder) ?? { ...NO_JOB, folder });
  const running = new Set<Promise<void>>();

  const start = (job: J) => {
    const began = performance.now();
    const done = run(job, either).then(async () => {
      if (isDone(job)) await onDone(job, (performance.now() - began) / 1000);
      running.delete(done);
    });
    running.add(done);
  };
  try {
    while (waiting.length > 0 && !either.aborted) {
      const ready = waiting.findIndex(({ needs }) => needs.every(isThere));
      if (ready !== -1 && running.size < parallel) start(waiting.splice(ready, 1)[0]!);
      else if (running.size > 0) await Promise.race(running);
      else throw new Error(`${waiting[0]!.folder} needs what no job makes: ${waiting[0]!.needs.join(', ')}`);
    }
    await Promise.all(running);
  } finally {
    failed.abort();
    await Promise.allSettled(running);
  }
}

/** What was done with other settings is no result of these. */
async function assertSameRecipe({ folder, recipe }: Job): Promise<void> {
  if (!recipe || !existsSync(folder) || !existsSync(recipe.path)) return;
  const begun = JSON.stringify(JSON.parse(await readFile(recipe.path, 'utf8')));
  const wanted = JSON.stringify(recipe.json);
  if (begun !== wanted)
    throw new UsageError(
      `${folder} was begun with other settings: ${recipe.path} has ${begun}; expected ${wanted}. ` +
        'Move them away, or choose another folder with --runs.',
    );
}

async function runApp({ app, folder, args, recipe }: Job, signal: AbortSignal): Promise<void> {
  if (recipe) {
    await mkdir(dirname(recipe.path), { recursive: true });
    await writeFile(recipe.path, `${JSON.stringify(recipe.json, null, 2)}\n`);
  }
  const resume = existsSync(join(folder, 'recipe.json')) ? ['--resume'] : [];
  const child = spawn(process.execPath, [...START, ...args, '--quiet', ...resume], {
    cwd: join(APPS, app),
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const stop = () => child.kill('SIGINT');
  signal.addEventListener('abort', stop, { once: true });
  let said = '';
  child.stderr.on('data', (text) => {
    said = (said + text).slice(-4000);
  });
  const status = await new Promise<number | null>((resolve) => {
    child.once('close', resolve);
  });
  signal.removeEventListener('abort', stop);
  if (status !== 0 && !signal.aborted) {
    throw new Error(`${app} ${args.join(' ')} ended with status ${status}:\n${said.trim()}`);
  }
}
