import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { ProgressReporter } from '@beit/progress';
import {
  type Branch,
  flattenTensors,
  type HostTensor,
  messageOf,
  type NamedTensors,
  type Tree,
} from '@beit/tensors';
import { writeFileAtomic } from '@beit/weights';
import {
  type Best,
  type Checkpoint,
  checkpointPath,
  latestCheckpoint,
  pruneCheckpoints,
  removeTemporaryFiles,
  saveCheckpoint,
} from './checkpoint';
import { configDifferences, toJson } from './config';
import { agreeOn, agreeOnState, anyOf, isFirst, type Job } from './job';
import { type MetricsRecord, openMetricsLog } from './metricsLog';
import { nonFiniteScalars, nonFiniteTensors, reportNonFinite } from './nonFinite';
import { scalarsOf, type TrainingProgram } from './program';
import { addToWindow, EMPTY_WINDOW, windowMeans } from './window';

export interface TrainOptions<I> {
  /** Name of the stage, in messages and checkpoints: `tokenizer`. */
  readonly name: string;
  readonly program: TrainingProgram<I>;
  /**
   * Inputs of a step, 0-based; a pure function of the step, which is what makes a resumed run bit-identical. Called for
   * step n + 1 before step n runs, so that loading overlaps: it must not write into the arrays of step n.
   */
  readonly batch: (step: number) => Promise<I>;
  readonly totalSteps: number;
  /** For images per second. */
  readonly imagesPerStep: number;
  /** For `epoch` in the log. */
  readonly stepsPerEpoch?: number;
  /** Where everything is written; the same folder and config again continue the run. */
  readonly runDir: string;
  /** The resolved recipe; saved in `config.json` and in checkpoints. */
  readonly config: object;
  /** Numbers known beforehand, by 0-based step, for log and progress: `{ learningRate }`. */
  readonly schedules?: Readonly<Record<string, (step: number) => number>>;
  /** Steps between lines of the log. Default 10. */
  readonly logEvery?: number;
  /** Steps between checkpoints. Default: only at the end and when interrupted. */
  readonly checkpointEvery?: number;
  /** How many of the newest checkpoints stay. Default 2. */
  readonly keepCheckpoints?: number;
  /**
   * Numbers on held-out data every so many steps, and after the last. `run` gets the completed steps and the program's
   * state; of several processes only the first one runs it.
   */
  readonly evaluate?: {
    readonly every: number;
    run(step: number, state: Tree<HostTensor>): Promise<Readonly<Record<string, number>>>;
    /** The checkpoint where this metric was best is saved and kept beside the newest. */
    readonly best?: { readonly metric: string; readonly mode: 'min' | 'max' };
  };
  readonly progress: ProgressReporter;
  /**
   * The processes that train together, each with a program and batches of its own (`accumulatedProgram`). The first one
   * writes, evaluates and reports; `runDir` must be one folder for all. Default: this process alone.
   */
  readonly job?: Job;
  /** Aborted, in any of the processes: the step is finished, a checkpoint saved, and `train` returns. See `interruptSignal`. */
  readonly signal?: AbortSignal;
  /** Called with all outputs of every step, the 0-based step first; for what is not a scalar. */
  readonly onOutputs?: (step: number, outputs: Tree<HostTensor>) => void;
  /** What a step's batch is made of, asked for only when that step fails. */
  readonly batchNames?: (step: number) => readonly string[];
  /** Versions to record in checkpoints. */
  readonly versions?: Readonly<Record<string, string>>;
}

export interface TrainResult {
  /** Completed steps, those of earlier runs included. */
  readonly step: number;
  /** Whether `signal` stopped the run before its end. */
  readonly interrupted: boolean;
  /** The newest checkpoint; null when no step was made. */
  readonly checkpoint: string | null;
  /** Where `evaluate.best` was best so far: completed steps, value, and the checkpoint. */
  readonly best?: Best & { readonly checkpoint: string };
}

const HISTORY_STEPS = 50;

/**
 * The training loop: continues from the newest usable checkpoint of `runDir`, or begins; logs, evaluates, saves.
 *
 * Errors: `NonFiniteError` when the loss or gradient norm is not finite; a checkpoint of another stage or config, with
 * the differing keys; a state that does not fit the program; files that cannot be written, with their path; and
 * whatever `batch`, `program` or `evaluate` throw. Checkpoints that exist stay usable in every case.
 */
export async function train<I>(options: TrainOptions<I>): Promise<TrainResult> {
  const { name, program, totalSteps, runDir, progress, signal, schedules = {}, job } = options;
  const writes = isFirst(job);
  const { evaluate } = options;
  const config = toJson(options.config);
  const { logEvery = 10, checkpointEvery = totalSteps, keepCheckpoints = 2 } = options;
  assertOptions({
    totalSteps,
    logEvery,
    checkpointEvery,
    keepCheckpoints,
    imagesPerStep: options.imagesPerStep,
  });
  const onAbort = () =>
    progress.message(`${name}: stopping after this step. Once more ends at once, unsaved.`);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const resumed = await resume(options);
    let { step, window, best } = resumed;
    let checkpoint = resumed.path;
    let saved = step;
    const log = writes ? await openMetricsLog(runDir, step) : undefined;
    const speed = speedometer(options.imagesPerStep);
    const history: Record<string, number>[] = [];

    const record = async (kind: MetricsRecord['kind'], metrics: Readonly<Record<string, number>>) => {
      const epoch = options.stepsPerEpoch === undefined ? undefined : step / options.stepsPerEpoch;
      await log?.append({ kind, step, epoch, ...metrics });
    };
    const failed = async (at: number, nonFinite: string[], values: Record<string, number>) => {
      // The others wait while the first one writes down what happened; its end is theirs.
      if (job && !writes) await job.barrier();
      const batch = options.batchNames?.(at) ?? [];
      return reportNonFinite(runDir, {
        name,
        step: at + 1,
        nonFinite,
        values,
        history,
        batch,
        checkpoint,
        config,
      });
    };
    const save = async () => {
      const state = await program.readState();
      const broken = nonFiniteTensors(flattenTensors(state));
      if (broken.length > 0) throw await failed(step - 1, broken, history.at(-1) ?? {});
      if (job) await agreeOnState(job, replicatedPart(program, state), step);
      saved = step;
      if (!log) return;
      await log.sync();
      const versions = { node: process.version, ...options.versions };
      checkpoint = await saveCheckpoint(runDir, { step, name, config, versions, state, window, best });
      await pruneCheckpoints(runDir, step, keepCheckpoints, best?.step);
    };
    /** Whether a process of the job is to stop; all of them learn it before the same step. */
    const isAborted = () => anyOf(job, signal?.aborted ?? false);
    /** @returns whether this is the best so far; all processes learn what the first one found */
    const evaluated = async ({ run, best: choice }: NonNullable<typeof evaluate>) => {
      // Read by all: the state may be spread over them.
      const state = await program.readState();
      const measured = writes ? await run(step, state) : undefined;
      if (measured) await record('evaluation', measured);
      const better = choice && measured && betterOf(best, step, measured, choice);
      best = better ?? best;
      return anyOf(job, better !== undefined);
    };

    let next = prefetch(options.batch, step, totalSteps);
    while (step < totalSteps && !(await isAborted())) {
      speed.start();
      const inputs = await unlessAborted(next, job ? undefined : signal);
      if (inputs === undefined) break;
      next = prefetch(options.batch, step + 1, totalSteps);
      const outputs = await program.run(inputs.value);
      speed.stop();

      const scalars = scalarsOf(outputs);
      const scheduled = Object.fromEntries(
        Object.entries(schedules).map(([key, value]) => [key, value(step)]),
      );
      const nonFinite = nonFiniteScalars(scalars);
      if (nonFinite.length > 0) throw await failed(step, nonFinite, { ...scalars, ...scheduled });
      options.onOutputs?.(step, outputs);

      step += 1;
      const last = step === totalSteps;
      history.push({ step, ...scalars });
      if (history.length > HISTORY_STEPS) history.shift();
      window = addToWindow(window, scalars);
      const metrics = { ...windowMeans(window), ...scheduled };
      const imagesPerSecond = speed.imagesPerSecond();
      const secondsLeft = speed.secondsPerStep() * (totalSteps - step);
      progress.update({ name, step, totalSteps, metrics, imagesPerSecond, secondsLeft });

      if (step % logEvery === 0 || last) {
        await record('train', { ...metrics, imagesPerSecond });
        window = EMPTY_WINDOW;
        speed.startWindow();
      }
      const isDue = evaluate && (step % evaluate.every === 0 || last);
      const isBest = isDue && (await evaluated(evaluate));
      if (step % checkpointEvery === 0 || last || isBest) await save();
    }
    if (step > saved) await save();
    return {
      step,
      interrupted: step < totalSteps,
      checkpoint,
      ...(best && { best: { ...best, checkpoint: checkpointPath(runDir, best.step) } }),
    };
  } finally {
    signal?.removeEventListener('abort', onAbort);
    progress.stop();
  }
}

/** Where the run stands, with the program's state set to it. */
async function resume<I>({
  name,
  program,
  totalSteps,
  runDir,
  config,
  progress,
  job,
}: TrainOptions<I>): Promise<Pick<Checkpoint, 'step' | 'window' | 'best'> & { path: string | null }> {
  await mkdir(runDir, { recursive: true }).catch((cause) => {
    throw new Error(`Cannot make the folder ${runDir}: ${messageOf(cause)}`, { cause });
  });
  if (isFirst(job)) await removeTemporaryFiles(runDir);
  const latest = await latestCheckpoint(runDir, (text) => progress.message(text));
  if (job)
    await agreeOn(job, latest?.checkpoint.step ?? 0, (own) => {
      const found = latest ? `checkpoint of step ${own}` : 'no checkpoint';
      return `Process ${job.rank} finds ${found} in ${runDir}, and others another one. It must be one folder for all.`;
    });
  if (latest) {
    const { path, checkpoint } = latest;
    assertContinues(checkpoint, path, name, config, totalSteps);
    const state = await program.readState();
    if (isFirst(job)) assertFits(flattenTensors(checkpoint.state), flattenTensors(state), path);
    // The first one has all of the state to compare with; when it finds fault, its end is theirs.
    await job?.barrier();
    await program.writeState(checkpoint.state);
    progress.message(`${name}: continuing at step ${checkpoint.step} of ${totalSteps} from ${path}.`);
  }
  const json = new TextEncoder().encode(`${JSON.stringify(config, null, 2)}\n`);
  if (isFirst(job)) await writeFileAtomic(join(runDir, 'config.json'), [json]);
  if (!latest) return { step: 0, window: EMPTY_WINDOW, path: null };
  return { ...latest.checkpoint, path: latest.path };
}

/** What every process has of a state, and can compare. */
const replicatedPart = ({ replicated }: TrainingProgram<never>, state: Tree<HostTensor>): Tree<HostTensor> =>
  replicated
    ? Object.fromEntries(replicated.map((group) => [group, (state as Branch<HostTensor>)[group]!]))
    : state;

function assertContinues(
  checkpoint: Checkpoint,
  path: string,
  name: string,
  config: object,
  totalSteps: number,
): void {
  if (checkpoint.name !== name) {
    throw new Error(
      `${path} is of the stage "${checkpoint.name}", not "${name}". Choose another folder for this run.`,
    );
  }
  const different = configDifferences(checkpoint.config, config);
  if (different.length > 0) {
    throw new Error(
      `${path} was made with another configuration: ${different.join('; ')}. ` +
        'Choose another folder for this run, or the old configuration to continue.',
    );
  }
  if (checkpoint.step > totalSteps) {
    throw new Error(`${path} has ${checkpoint.step} steps, but the run is to have ${totalSteps}.`);
  }
}

function assertFits(saved: NamedTensors, expected: NamedTensors, path: string): void {
  const describe = (tensor: NamedTensors[string] | undefined) =>
    tensor ? `${tensor.dtype} [${tensor.shape}]` : 'nothing';
  const wrong = [...new Set([...Object.keys(expected), ...Object.keys(saved)])].filter(
    (key) => describe(saved[key]) !== describe(expected[key]),
  );
  if (wrong.length > 0) {
    const shown = wrong
      .slice(0, 5)
      .map((key) => `"${key}" is ${describe(saved[key])}, expected ${describe(expected[key])}`);
    throw new Error(
      `${path} does not fit the program: ${shown.join('; ')}${wrong.length > 5 ? `; and ${wrong.length - 5} more` : ''}.`,
    );
  }
}

/** Starts loading now. A failure counts when the batch is waited for, so a run that stops before is not disturbed. */
function prefetch<I>(batch: (step: number) => Promise<I>, step: number, totalSteps: number): Promise<I> {
  if (step >= totalSteps) return new Promise(() => {});
  const promise = (async () => batch(step))();
  promise.catch(() => {});
  return promise;
}

/** The batch, or undefined when `signal` is aborted while it is waited for. */
async function unlessAborted<I>(
  batch: Promise<I>,
  signal: AbortSignal | undefined,
): Promise<{ value: I } | undefined> {
  if (!signal) return { value: await batch };
  let onAbort = () => {};
  const aborted = new Promise<undefined>((resolve) => {
    onAbort = () => resolve(undefined);
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([batch.then((value) => ({ value })), aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}

function betterOf(
  best: Best | undefined,
  step: number,
  measured: Readonly<Record<string, number>>,
  { metric, mode }: { readonly metric: string; readonly mode: 'min' | 'max' },
): Best | undefined {
  const value = measured[metric];
  if (value === undefined) {
    throw new Error(
      `The evaluation has no "${metric}" to choose the best by; it has: ${Object.keys(measured).join(', ')}.`,
    );
  }
  const better = best === undefined || (mode === 'max' ? value > best.value : value < best.value);
  return better && Number.isFinite(value) ? { step, value } : undefined;
}

/** Time of loading and steps, without evaluations and checkpoints: over the window, and smoothed for the time left. */
function speedometer(imagesPerStep: number) {
  const SMOOTHING = 0.9;
  let started = 0;
  let smoothed: number | undefined;
  let window = { steps: 0, seconds: 0 };
  return {
    start() {
      started = performance.now();
    },
    stop() {
      const seconds = (performance.now() - started) / 1000;
      smoothed = smoothed === undefined ? seconds : SMOOTHING * smoothed + (1 - SMOOTHING) * seconds;
      window = { steps: window.steps + 1, seconds: window.seconds + seconds };
    },
    startWindow() {
      window = { steps: 0, seconds: 0 };
    },
    secondsPerStep: () => smoothed ?? Number.NaN,
    imagesPerSecond: () => Number(((window.steps * imagesPerStep) / window.seconds).toPrecision(4)),
  };
}

function assertOptions(numbers: Readonly<Record<string, number>>): void {
  for (const [key, value] of Object.entries(numbers)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${key} is ${value}; expected a positive integer.`);
    }
  }
}
