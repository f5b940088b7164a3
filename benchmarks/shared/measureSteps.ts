import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runJson, runNodeJson } from '@beit/apps-shared/measurements';
import type { EngineName, Precision } from '@beit/compile';
import { type Absent, alternate, competitor, isAbsent } from './alternate';
import { gemmCompetitors, type PeakRates, peakRates } from './gemmPeak';
import { pythonEnvironment } from './pythonEnvironment';
import { type StepCompetitor, type StepResult, type StepRun, stepResult } from './stepRun';

/** Where peer_steps.py is. */
const SHARED = fileURLToPath(new URL('.', import.meta.url));

/** How one of our engines is asked for its steps: the argument of the script that runs them, as JSON. */
export interface OursArguments {
  readonly engine: EngineName;
  readonly precision: Precision;
  readonly threads: number;
  readonly steps: number;
}

export interface OurEngine {
  readonly name: string;
  readonly engine: EngineName;
  readonly precision: Precision;
  /** What it is told besides, instead of what all are. */
  readonly task?: object;
}

export interface PeerMode {
  readonly name: string;
  readonly precision: Precision;
}

export interface MeasureStepsOptions {
  /** Script that takes one argument, `OursArguments` and `task` as JSON, and prints a `StepRun`. */
  readonly ours: string;
  /** Script that takes `--mode`, `--threads`, `--steps` and `--inputs FOLDER`, and prints a `StepRun`. */
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
  readonly python: string;
  /** Also measure the rate of matrix products, in the same rounds. */
  readonly gemm?: boolean;
}

export interface MeasuredSteps {
  readonly results: readonly StepResult[];
  /** Why those that are not among the results are not. */
  readonly absent: Readonly<Record<string, string>>;
  readonly gemm: PeakRates;
}

/** Steps of all that were chosen, and the rate of matrix products, alternating over the rounds. */
export async function measureSteps(options: MeasureStepsOptions): Promise<MeasuredSteps> {
  const { peerModes, chosen, threads, steps, rounds } = options;
  const environment = await pythonEnvironment(options.python);
  const folder = await mkdtemp(join(tmpdir(), 'beit-benchmark-'));
  try {
    const inputs = join(folder, 'task');
    if (!isAbsent(environment)) await options.writeTask(inputs);

    const ours = options.engines.map(({ name, engine, precision, task }): StepCompetitor => {
      const args: OursArguments = { engine, precision, threads, steps };
      const json = JSON.stringify({ ...options.task, ...task, ...args });
      return {
        ...competitor(name, () => runNodeJson<StepRun | Absent>(options.ours, [json])),
        precision,
        ours: true,
      };
    });
    const peers = peerModes.map(({ name, precision }): StepCompetitor => {
      const args = [
        '--mode',
        name,
        '--threads',
        String(threads),
        '--steps',
        String(steps),
        '--inputs',
        inputs,
      ];
      // A cache of its own, so that the first round compiles and the later ones find what it left.
      const env = { TORCHINDUCTOR_CACHE_DIR: join(folder, name), PYTHONPATH: SHARED };
      return {
        ...competitor(name, async () =>
          isAbsent(environment)
            ? environment
            : runJson<StepRun>(environment.python, [options.peer, ...args], env),
        ),
        precision,
        ours: false,
      };
    });
    const competitors = [...ours, ...peers].filter(({ name }) => chosen.includes(name));
    const gemm = options.gemm
      ? gemmCompetitors(threads, isAbsent(environment) ? undefined : environment.python)
      : [];
    await alternate([...competitors, ...gemm], rounds);

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
