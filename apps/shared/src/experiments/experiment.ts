import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join, resolve } from 'node:path';
import { availableEngines, hasNativeBfloat16 } from '@beit/compile';
import { interruptSignal } from '@beit/trainer';
import { integer, typedIn } from '../commandLine';
import { formatSeconds } from '../report/formatNumber';
import { RUNS } from '../runFolder';
import type { Job } from './job';
import { runJobs } from './runJobs';

/** The options of every experiment, for `parseArgs`. */
export const EXPERIMENT_ARGUMENTS = {
  reduced: { type: 'boolean', default: false },
  seeds: { type: 'string' },
  parallel: { type: 'string', default: String(cpus().length) },
  runs: { type: 'string' },
  out: { type: 'string' },
  help: { type: 'boolean', short: 'h' },
} as const;

export const EXPERIMENT_HELP = (name: string, seeds: number) =>
  `  --reduced      a short form that shows nothing but that it runs
  --seeds N      default: ${seeds}
  --parallel N   runs side by side, each with one thread (default: the number of processors)
  --runs DIR     where the runs are kept (default: runs/${name}, or runs/${name}-reduced)
  --out DIR      where the results go (default: docs/results; of the reduced form, the folder of its runs)`;

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

/** @throws UsageError that names the value and what was expected */
export async function experimentOptions(
  name: string,
  values: { reduced: boolean; seeds?: string; parallel: string; runs?: string; out?: string },
  seeds: number,
): Promise<ExperimentOptions> {
  const { reduced } = values;
  const path = (value: string | undefined, otherwise: string) =>
    value === undefined ? otherwise : resolve(typedIn(), value);
  const runs = path(values.runs, join(RUNS, reduced ? `${name}-reduced` : name));
  const count = values.seeds === undefined ? seeds : integer(values.seeds, 'seeds', 1);
  const [fastest] = await availableEngines();
  return {
    reduced,
    seeds: Array.from({ length: count }, (_, seed) => seed),
    parallel: integer(values.parallel, 'parallel', 1),
    runs,
    out: path(values.out, reduced ? runs : join(RUNS, '../docs/results')),
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
