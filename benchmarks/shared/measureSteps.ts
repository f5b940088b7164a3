import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { CompileOptions, EngineName, Precision } from '@beit/compile';
import { alternate, isAbsent } from './alternate';
import { gemmCompetitors, type PeakRates, peakRates } from './gemmPeak';
import { pythonEnvironment } from './pythonEnvironment';
import { type StepCompetitor, type StepResult, stepResult } from './stepRun';
import { takeTurns } from './takeTurns';

/** Where peer_turns.py is. */
export const SHARED = fileURLToPath(new URL('.', import.meta.url));
const ROOT = join(SHARED, '../..');

/** How one of our engines is asked for its steps: the argument of the script that runs them, as JSON. */
export interface OursArguments {
  readonly engine: EngineName;
  readonly precision: Precision;
  readonly device?: CompileOptions['device'];
  readonly threads: number;
  readonly steps: number;
  /** A folder where compiled programs are kept from one round to the next. */
  readonly programCache: string;
}

export interface OurEngine {
  readonly name: string;
  readonly engine: EngineName;
  readonly precision: Precision;
  /** Default: the engine's. */
  readonly device?: CompileOptions['device'];
  /** What it is told besides, instead of what all are. */
  readonly task?: object;
}

export interface PeerMode {
  readonly name: string;
  readonly precision: Precision;
}

export interface MeasureStepsOptions {
  /** Script that takes one argument, `OursArguments` and `task` as JSON, and steps in turns: see `oursSteps`. */
  readonly ours: string;
  /** Another checkout of this project: the same script there takes part, as `before-…`. */
  readonly before?: string;
  /** Script that takes `--mode`, `--threads`, `--steps` and `--inputs FOLDER`, and does likewise: see peer_turns.py. */
  readonly peer: string;
  readonly engines: readonly OurEngine[];
  readonly peerModes: readonly PeerMode[];
  /** What `ours` is told besides. */
  readonly task: object;
  /** Writes the same task to a folder, for the peer. */
  readonly writeTask: (folder: string) => Promise<void>;
  /** Names of those that take part. */
  readonly chosen: readonly string[];
  readonly threads: number;
  readonly steps: number;
  readonly rounds: number;
  /** How many take turns. */
  readonly together: number;
  readonly python: string;
  /** The file of the packages of `peer`; default: that with PyTorch. */
  readonly requirements?: string;
  /** Also measure the rate of matrix products, in the same rounds. */
  readonly gemm?: boolean;
}

export interface MeasuredSteps {
  readonly results: readonly StepResult[];
  /** Why those that are not among the results are not. */
  readonly absent: Readonly<Record<string, string>>;
  readonly gemm: PeakRates;
}

/**
 * Steps of all that were chosen, those of one precision in turns, step by step; in every round new processes, in another
 * order. And the rate of matrix products.
 */
export async function measureSteps(options: MeasureStepsOptions): Promise<MeasuredSteps> {
  const { peerModes, chosen, threads, steps, rounds, together } = options;
  const environment = await pythonEnvironment(options.python, { requirements: options.requirements });
  const folder = await mkdtemp(join(tmpdir(), 'beit-benchmark-'));
  try {
    const inputs = join(folder, 'task');
    if (!isAbsent(environment)) await options.writeTask(inputs);

    const scripts = [['', options.ours]];
    if (options.before) scripts.push(['before-', join(options.before, relative(ROOT, options.ours))]);
    const ours = options.engines
      .filter(({ name }) => chosen.includes(name))
      .flatMap((one) =>
        scripts.map(([prefix, script]): StepCompetitor => {
          const { engine, precision, device, task } = one;
          const name = `${prefix}${one.name}`;
          // Empty at first, so that the first round compiles and the later ones find what it left.
          const programCache = join(folder, name);
          const args: OursArguments = { engine, precision, device, threads, steps, programCache };
          const json = JSON.stringify({ ...options.task, ...task, ...args });
          const command = { command: process.execPath, args: [...process.execArgv, script!, json] };
          return { name, precision, ours: true, command, results: [] };
        }),
      );
    const peers = peerModes
      .filter(({ name }) => chosen.includes(name))
      .map(({ name, precision }): StepCompetitor => {
        const given = { mode: name, threads: String(threads), steps: String(steps), inputs };
        const args = Object.entries(given).flatMap(([option, value]) => [`--${option}`, value]);
        const cache = join(folder, name);
        const env = { TORCHINDUCTOR_CACHE_DIR: cache, JAX_COMPILATION_CACHE_DIR: cache, PYTHONPATH: SHARED };
        const common = { name, precision, ours: false, results: [] };
        if (isAbsent(environment))
          return { ...common, command: { command: '', args: [] }, absent: environment.absent };
        return { ...common, command: { command: environment.python, args: [options.peer, ...args], env } };
      });
    const competitors = [...ours, ...peers];
    const torch = isAbsent(environment) || options.requirements ? undefined : environment.python;
    const gemm = options.gemm ? gemmCompetitors(threads, torch) : [];
    for (let round = 0; round < rounds; round++) {
      console.error(`Round ${round + 1} of ${rounds}`);
      for (const group of groups(competitors, together)) {
        const first = round % group.length;
        await takeTurns([...group.slice(first), ...group.slice(0, first)]);
      }
    }
    await alternate(gemm, rounds);

    const results = competitors.filter((one) => one.results.length > 0).map(stepResult);
    return {
      results,
      absent: Object.fromEntries(competitors.flatMap(({ name, absent }) => (absent ? [[name, absent]] : []))),
      gemm: peakRates(gemm),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Those of one precision, at most so many. */
function groups(all: readonly StepCompetitor[], together: number): StepCompetitor[][] {
  return (['bf16', 'fp32'] as const).flatMap((precision) => {
    const alike = all.filter((one) => one.precision === precision);
    return Array.from({ length: Math.ceil(alike.length / together) }, (_, i) =>
      alike.slice(i * together, (i + 1) * together),
    );
  });
}
