/**
 * What each job of a long experiment left, in the experiment's own JSON: the folders of runs are large, and may be gone
 * before the last of the jobs is done.
 */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { UsageError } from '@beit/cli';
import { type Job, resultsOf } from './job';

/** A job that is done. */
export interface Entry<Result> {
  /** The command's arguments, with `RUNS` and names in place of what is elsewhere on each machine. */
  readonly command: readonly string[];
  readonly recipe?: object;
  readonly environment: string;
  readonly result: Result;
}

/** By the job's name, that of its folder. */
export type Ledger<Result> = Readonly<Record<string, Entry<Result>>>;

export const nameOf = ({ folder }: Pick<Job, 'folder'>): string => basename(folder);

/** @throws UsageError when the file is no ledger */
export async function readLedger<Result>(path: string): Promise<Ledger<Result>> {
  if (!existsSync(path)) return {};
  try {
    const { jobs } = JSON.parse(await readFile(path, 'utf8')) as { jobs: Ledger<Result> };
    return jobs;
  } catch (error) {
    throw new UsageError(`${path} has no jobs of an experiment: ${(error as Error).message}.`);
  }
}

/**
 * Those that are not in the ledger, and what they need where its folder is gone, in the order in which they are given.
 *
 * @throws UsageError where the ledger has one that was run otherwise
 */
export function openJobs<J extends Job>(jobs: readonly J[], ledger: Ledger<unknown>, runs: string): J[] {
  const byFolder = new Map(jobs.map((job) => [job.folder, job]));
  const open = new Set<J>();
  const add = (job: J) => {
    if (open.has(job)) return;
    open.add(job);
    for (const folder of job.needs) {
      const needed = byFolder.get(folder);
      if (needed && !existsSync(resultsOf(needed))) add(needed);
    }
  };
  for (const job of jobs) {
    const entry = ledger[nameOf(job)];
    if (entry === undefined) add(job);
    else assertSame(job, entry, runs);
  }
  return jobs.filter((job) => open.has(job));
}

/** A job that is done as the ledger has it. @param runs folder of all runs */
export const entryOf = <Result>(
  { app, args, recipe }: Job,
  {
    runs,
    elsewhere,
    ...entry
  }: Pick<Entry<Result>, 'environment' | 'result'> & {
    readonly runs: string;
    readonly elsewhere: Readonly<Record<string, string>>;
  },
): Entry<Result> => ({
  command: [app, ...args].map((arg) => elsewhere[arg] ?? arg.replace(runs, 'RUNS')),
  ...(recipe && { recipe: recipe.json }),
  ...entry,
});

function assertSame(job: Job, { recipe }: Entry<unknown>, runs: string): void {
  const [begun, wanted] = [JSON.stringify(recipe), JSON.stringify(job.recipe?.json)];
  if (begun !== wanted)
    throw new UsageError(
      `'${nameOf(job)}' was done with other settings: ${begun}; expected ${wanted}. Take it out of the results, or choose other --runs than ${runs} and --out.`,
    );
}
