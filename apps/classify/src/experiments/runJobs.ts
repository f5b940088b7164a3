import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Job } from './efficiencyPlan';

const APPS = fileURLToPath(new URL('../../..', import.meta.url));
const START = ['--conditions=@beit/source', '--import', 'tsx', 'src/main.ts'];

export interface RunJobsOptions {
  /** Runs side by side. */
  readonly parallel: number;
  readonly signal: AbortSignal;
  readonly onDone: (job: Job, seconds: number) => void;
}

/** Runs what is not done yet; a job that was interrupted continues. @throws when a job fails, with what it said */
export async function runJobs(
  jobs: readonly Job[],
  { parallel, signal, onDone }: RunJobsOptions,
): Promise<void> {
  const waiting = jobs.filter(({ folder }) => !existsSync(join(folder, 'results.json')));
  const failed = new AbortController();
  const either = AbortSignal.any([signal, failed.signal]);
  const work = async () => {
    for (let job = waiting.shift(); job && !either.aborted; job = waiting.shift()) {
      const began = performance.now();
      await runJob(job, either).catch((error) => {
        failed.abort();
        throw error;
      });
      if (!either.aborted) onDone(job, (performance.now() - began) / 1000);
    }
  };
  await Promise.all(Array.from({ length: parallel }, work));
}

async function runJob({ app, folder, args, recipe }: Job, signal: AbortSignal): Promise<void> {
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
