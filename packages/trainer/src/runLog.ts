import { type Branch, flattenTensors, type HostTensor, type Tree } from '@beit/tensors';
import { type Best, checkpointPath, pruneCheckpoints, saveCheckpoint } from './checkpoint';
import { toJson } from './config';
import { agreeOnState, anyOf, isFirst } from './job';
import { type MetricsRecord, openMetricsLog } from './metricsLog';
import { type NonFiniteError, nonFiniteScalars, nonFiniteTensors, reportNonFinite } from './nonFinite';
import type { TrainingProgram } from './program';
import type { ResumePoint } from './resume';
import { speedometer } from './speedometer';
import type { TrainOptions, TrainResult } from './trainOptions';
import { addToWindow, EMPTY_WINDOW, windowMeans } from './window';

type Scalars = Readonly<Record<string, number>>;
type Evaluation = NonNullable<TrainOptions<never>['evaluate']>;

/**
 * What a run leaves: metrics, checkpoints, and a post-mortem where it fails. All processes of a job make the same calls,
 * and the first one writes.
 */
export interface RunLog {
  /** Completed steps. */
  readonly step: number;
  /** Since the last checkpoint, or since the log was opened. */
  minutesUnsaved(): number;
  /** Checks the step that has just run. @throws NonFiniteError when its loss or gradient norm is not finite */
  assertFinite(scalars: Scalars): Promise<void>;
  /** That step is complete, and took so long: shows how the run goes, and writes a line where one is due. */
  record(scalars: Scalars, seconds: number): Promise<void>;
  /** Measures the state, and writes a line. @returns whether it is the best so far; all learn what the first one found */
  evaluate(evaluation: Evaluation): Promise<boolean>;
  /**
   * Writes a checkpoint, unless there is one of this step.
   *
   * @throws NonFiniteError when the state is not finite
   * @throws when the states of the processes differ
   */
  save(): Promise<void>;
  result(): TrainResult;
}

const HISTORY_STEPS = 50;

/** Continues the logs of a run where it stands. */
export async function openRunLog<I>(
  options: TrainOptions<I> & { readonly logEvery: number; readonly keepCheckpoints: number },
  from: ResumePoint,
): Promise<RunLog> {
  const { name, program, totalSteps, runDir, progress, schedules = {}, job } = options;
  const config = toJson(options.config);
  const versions = { node: process.version, ...options.versions };
  let { step, window, best, path: checkpoint } = from;
  let saved = step;
  let savedAt = performance.now();
  const speed = speedometer(options.imagesPerStep);
  const history: Record<string, number>[] = [];
  const metricsLog = isFirst(job) ? await openMetricsLog(runDir, step) : undefined;

  const scheduled = () =>
    Object.fromEntries(Object.entries(schedules).map(([key, value]) => [key, value(step)]));

  async function append(kind: MetricsRecord['kind'], metrics: Scalars): Promise<void> {
    for (const name of ['kind', 'step', 'epoch']) {
      if (name in metrics)
        throw new Error(`A metric is called "${name}", as a field of the log is; give it another name.`);
    }
    const epoch = options.stepsPerEpoch === undefined ? undefined : step / options.stepsPerEpoch;
    await metricsLog?.append({ kind, step, epoch, ...metrics });
  }

  /** Writes down what is known of a 0-based step. */
  async function postMortem(at: number, nonFinite: string[], values: Scalars): Promise<NonFiniteError> {
    // The others wait while the first one writes down what happened; its end is theirs.
    if (job && !isFirst(job)) await job.barrier();
    const batch = options.batchNames?.(at) ?? [];
    const known = { name, step: at + 1, nonFinite, values, history, batch, checkpoint, config };
    return reportNonFinite(runDir, known);
  }

  return {
    get step() {
      return step;
    },
    minutesUnsaved: () => (performance.now() - savedAt) / 60_000,
    async assertFinite(scalars) {
      const nonFinite = nonFiniteScalars(scalars);
      if (nonFinite.length > 0) throw await postMortem(step, nonFinite, { ...scalars, ...scheduled() });
    },
    async record(scalars, seconds) {
      window = addToWindow(window, scalars);
      const metrics = { ...windowMeans(window), ...scheduled() };
      step += 1;
      history.push({ step, ...scalars });
      if (history.length > HISTORY_STEPS) history.shift();
      speed.add(seconds);
      const imagesPerSecond = speed.imagesPerSecond();
      const secondsLeft = speed.secondsPerStep() * (totalSteps - step);
      progress.update({ name, step, totalSteps, metrics, imagesPerSecond, secondsLeft });
      if (step % options.logEvery !== 0 && step !== totalSteps) return;
      await append('train', { ...metrics, imagesPerSecond });
      window = EMPTY_WINDOW;
      speed.startWindow();
    },
    async evaluate({ run, best: choice }) {
      // Read by all: the state may be spread over them.
      const state = await program.readState();
      const measured = metricsLog && (await run(step, state));
      if (measured) await append('evaluation', measured);
      const better = choice && measured && betterOf(best, step, measured, choice);
      best = better ?? best;
      const [isBest] = await anyOf(job, better !== undefined);
      return isBest;
    },
    async save() {
      if (step === saved) return;
      const state = await program.readState();
      const broken = nonFiniteTensors(flattenTensors(state));
      if (broken.length > 0) throw await postMortem(step - 1, broken, history.at(-1) ?? {});
      if (job) await agreeOnState(job, replicatedPart(program, state), step);
      saved = step;
      savedAt = performance.now();
      if (!metricsLog) return;
      await metricsLog.sync();
      checkpoint = await saveCheckpoint(runDir, { step, name, config, versions, state, window, best });
      await pruneCheckpoints(runDir, step, options.keepCheckpoints, best?.step);
    },
    result: () => ({
      step,
      interrupted: step < totalSteps,
      checkpoint,
      ...(best && { best: { ...best, checkpoint: checkpointPath(runDir, best.step) } }),
    }),
  };
}

/** What every process has of a state, and can compare. */
const replicatedPart = ({ replicated }: TrainingProgram<never>, state: Tree<HostTensor>): Tree<HostTensor> =>
  replicated
    ? Object.fromEntries(replicated.map((group) => [group, (state as Branch<HostTensor>)[group]!]))
    : state;

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
