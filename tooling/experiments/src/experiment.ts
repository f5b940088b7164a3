import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { flag, option, path, RUNS, whole } from '@beit/cli';
import { availableEngines, hasNativeBfloat16 } from '@beit/compile';
import { formatSeconds } from '@beit/report';
import { interruptSignal } from '@beit/trainer';
import type { Job } from './job';
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
  /** Absolute paths. */
  readonly runs: string;
  readonly out: string;
  /** Arguments of the apps: the fastest engine, one thread, bfloat16 where the processor has it. */
  readonly engine: readonly string[];
}

export async function experimentOptions(
  name: string,
  values: { reduced: boolean; seeds?: number; parallel: number; runs?: string; out?: string },
  seeds: number,
): Promise<ExperimentOptions> {
  const { reduced, parallel } = values;
  const runs = values.runs ?? join(RUNS, reduced ? `${name}-reduced` : name);
  const [fastest] = await availableEngines();
  return {
    reduced,
    seeds: Array.from({ length: values.seeds ?? seeds }, (_, seed) => seed),
    parallel,
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

/** Runs what is not done yet. @returns whether all of it is done; false after an interrupt */
export async function runExperiment(
  jobs: readonly Job[],
  { runs, parallel, engine }: ExperimentOptions,
): Promise<boolean> {
  const interrupt = interruptSignal();
  const began = performance.now();
  let done = 0;
  console.error(`${jobs.length} runs in ${runs}, ${parallel} side by side, with ${engine.join(' ')}`);
  await runJobs(jobs, {
    parallel,
    signal: interrupt.signal,
    onDone({ folder }, seconds) {
      done += 1;
      const spent = formatSeconds((performance.now() - began) / 1000);
      console.error(`${folder.slice(runs.length + 1)}: ${formatSeconds(seconds)}. ${done} done in ${spent}`);
    },
  });
  if (interrupt.signal.aborted) {
    console.error(`Stopped; what is done is kept in ${runs}. The same command continues.`);
    return false;
  }
  interrupt.release();
  return true;
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
