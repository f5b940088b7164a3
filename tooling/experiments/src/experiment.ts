import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { flag, number, option, path, RUNS, whole, writeJson } from '@beit/cli';
import { availableEngines, hasNativeBfloat16 } from '@beit/compile';
import { formatSeconds } from '@beit/report';
import { interruptSignal } from '@beit/trainer';
import { type Job, resultsOf } from './job';
import { entryOf, type Ledger, nameOf, openJobs, readLedger } from './ledger';
import { runJobs } from './runJobs';

/** The options of every experiment. @param seeds how many there are when nothing is said */
export const experimentTable = (name: string, seeds: number) => ({
  reduced: flag('a short form that shows nothing but that it runs'),
  seeds: option('N', `default: ${seeds}`, whole(1)),
  parallel: option(
    'N',
    'runs side by side, each with one thread (default: the number of processors)',
    whole(1),
    cpus().length,
  ),
  minutes: option('N', 'stop after so many; the same command continues', number(0)),
  runs: option('DIR', `where the runs are kept (default: runs/${name}, or runs/${name}-reduced)`, path),
  out: option(
    'DIR',
    'where the results go (default: docs/results; of the reduced form, the folder of its runs)',
    path,
  ),
});

/** Where what an option does begins in the help. */
export const EXPERIMENT_COLUMN = 17;

export interface ExperimentOptions {
  readonly reduced: boolean;
  /** 0, 1, ... */
  readonly seeds: readonly number[];
  readonly parallel: number;
  /** undefined: until all is done. */
  readonly minutes?: number;
  /** Absolute paths. */
  readonly runs: string;
  readonly out: string;
  /** Arguments of the apps: the fastest engine, one thread, bfloat16 where the processor has it. */
  readonly engine: readonly string[];
}

export async function experimentOptions(
  name: string,
  values: Readonly<{
    reduced: boolean;
    seeds?: number;
    parallel: number;
    minutes?: number;
    runs?: string;
    out?: string;
  }>,
  seeds: number,
): Promise<ExperimentOptions> {
  const { reduced, parallel, minutes } = values;
  const runs = values.runs ?? join(RUNS, reduced ? `${name}-reduced` : name);
  const [fastest] = await availableEngines();
  return {
    reduced,
    seeds: Array.from({ length: values.seeds ?? seeds }, (_, seed) => seed),
    parallel,
    minutes,
    runs,
    out: values.out ?? (reduced ? runs : join(RUNS, '../docs/results')),
    engine: [
      ...['--engine', fastest!, '--threads', '1'],
      ...((await hasNativeBfloat16()) ? ['--precision', 'bf16'] : []),
    ],
  };
}

/** The machine and what ran on it. */
export function environment({ engine }: ExperimentOptions): string {
  const [processor] = cpus();
  return `${cpus().length} cores of ${processor?.model ?? 'an unknown processor'}, Node ${process.versions.node}, ${engine.join(' ')}`;
}

/**
 * Runs what is not done yet.
 *
 * @param onDone of each job that is done now
 * @returns whether all of it is done; false after an interrupt, and when the minutes are over
 */
export async function runExperiment<J extends Job>(
  jobs: readonly J[],
  { runs, parallel, minutes, engine }: ExperimentOptions,
  onDone: (job: J) => void | Promise<void> = () => {},
): Promise<boolean> {
  const interrupt = interruptSignal();
  const over = minutes === undefined ? [] : [AbortSignal.timeout(minutes * 60_000)];
  const signal = AbortSignal.any([interrupt.signal, ...over]);
  const began = performance.now();
  let done = 0;
  console.error(`${jobs.length} runs in ${runs}, ${parallel} side by side, with ${engine.join(' ')}`);
  await runJobs(jobs, {
    parallel,
    signal,
    async onDone(job, seconds) {
      await onDone(job);
      done += 1;
      const spent = formatSeconds((performance.now() - began) / 1000);
      console.error(
        `${job.folder.slice(runs.length + 1)}: ${formatSeconds(seconds)}. ${done} done in ${spent}`,
      );
    },
  });
  if (signal.aborted) {
    console.error(`Stopped; what is done is kept in ${runs}. The same command continues.`);
    interrupt.release();
    return false;
  }
  interrupt.release();
  return true;
}

export interface RecordedOptions<J extends Job, Result> extends ExperimentOptions {
  readonly name: string;
  /** What stands in the results for paths that are other on each machine. */
  readonly elsewhere: Readonly<Record<string, string>>;
  /** What is kept of a job that is done. */
  readonly resultOf: (job: J) => Promise<Result>;
}

/**
 * Runs what is neither done nor in `NAME.json`, and adds it there job by job: for experiments of many hours, in parts.
 *
 * @returns all that is done, and whether it is all of the jobs
 */
export async function runRecorded<J extends Job, Result>(
  jobs: readonly J[],
  options: RecordedOptions<J, Result>,
): Promise<{ readonly ledger: Ledger<Result>; readonly isWhole: boolean }> {
  const { name, runs, out, elsewhere, resultOf } = options;
  await mkdir(out, { recursive: true });
  const path = join(out, `${name}.json`);
  let ledger = await readLedger<Result>(path);
  const record = async (job: J) => {
    const entry = entryOf(job, {
      runs,
      elsewhere,
      environment: environment(options),
      result: await resultOf(job),
    });
    ledger = { ...ledger, [nameOf(job)]: entry };
    await writeJson(path, { jobs: ledger });
  };
  const open = openJobs(jobs, ledger, runs);
  // What was done by a process that ended before it could say so.
  const found = open.filter((job) => existsSync(resultsOf(job)) && ledger[nameOf(job)] === undefined);
  for (const job of found) await record(job);
  const isWhole = await runExperiment(open, options, record);
  return { ledger, isWhole };
}

/** What an experiment found, as files `NAME.json`, `NAME.svg` and `NAME.md`. */
export interface Findings {
  readonly result: { readonly summary: object };
  readonly figure: string;
  readonly page: string;
}

/** Writes the findings and prints their summary. */
export async function publishFindings(
  name: string,
  { out }: Pick<ExperimentOptions, 'out'>,
  { result, figure, page }: Findings,
): Promise<void> {
  await mkdir(out, { recursive: true });
  await writeFile(join(out, `${name}.json`), `${JSON.stringify(result, null, 1)}\n`);
  await writeFile(join(out, `${name}.svg`), figure);
  await writeFile(join(out, `${name}.md`), page);
  console.log(JSON.stringify(result.summary, null, 2));
  console.log(`Written to ${out}`);
}
