import { anyOf } from './job';
import { scalarsOf } from './program';
import { resume } from './resume';
import { openRunLog } from './runLog';
import type { TrainOptions, TrainResult } from './trainOptions';

/**
 * The training loop: continues from the newest usable checkpoint of `runDir`, or begins; logs, evaluates, saves.
 *
 * Errors: `NonFiniteError` when the loss or gradient norm is not finite; a checkpoint of another stage or config, with
 * the differing keys; a state that does not fit the program; files that cannot be written, with their path; and
 * whatever `batch`, `program` or `evaluate` throw. Checkpoints that exist stay usable in every case.
 */
export async function train<I>(options: TrainOptions<I>): Promise<TrainResult> {
  const { name, program, batch, totalSteps, imagesPerStep, evaluate, progress, job, signal } = options;
  const { logEvery = 10, checkpointEvery = totalSteps, keepCheckpoints = 2 } = options;
  const { checkpointMinutes = 10 } = options;
  assertPositive({ totalSteps, logEvery, checkpointEvery, keepCheckpoints, imagesPerStep });
  if (!(checkpointMinutes > 0))
    throw new RangeError(`checkpointMinutes is ${checkpointMinutes}; expected a number above 0.`);
  if (evaluate) assertPositive({ 'evaluate.every': evaluate.every });
  const mode = evaluate?.best?.mode;
  if (mode !== undefined && mode !== 'min' && mode !== 'max')
    throw new RangeError(`evaluate.best.mode is ${mode}; expected min or max.`);
  const onAbort = () =>
    progress.message(`${name}: stopping after this step. Once more ends at once, unsaved.`);
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const log = await openRunLog({ ...options, logEvery, keepCheckpoints }, await resume(options));
    const isDue = (every: number) => log.step % every === 0 || log.step === totalSteps;
    /** Whether a process of the job is to stop, or has saved nothing for long; all of them learn it before the same step. */
    const said = () => anyOf(job, signal?.aborted ?? false, log.minutesUnsaved() >= checkpointMinutes);

    /** Where it fails, what was trained is kept; of several processes the others do not know that it failed. */
    const evaluated = (evaluation: NonNullable<typeof evaluate>) =>
      log.evaluate(evaluation).catch(async (error) => {
        if (!job) await log.save();
        throw error;
      });

    const loaded = async (step: number) => {
      const inputs = await batch(step);
      program.send?.(inputs);
      return inputs;
    };
    let next = prefetch(loaded, log.step, totalSteps);
    while (log.step < totalSteps) {
      const [isAborted, isLong] = await said();
      if (isAborted) break;
      if (isLong) await log.save();
      const started = performance.now();
      const inputs = await unlessAborted(next, job ? undefined : signal);
      if (inputs === undefined) break;
      next = prefetch(loaded, log.step + 1, totalSteps);
      const outputs = await program.run(inputs.value);
      const seconds = (performance.now() - started) / 1000;

      const scalars = scalarsOf(outputs);
      await log.assertFinite(scalars);
      options.onOutputs?.(log.step, outputs);
      await log.record(scalars, seconds);
      const isBest = evaluate && isDue(evaluate.every) && (await evaluated(evaluate));
      if (isDue(checkpointEvery) || isBest) await log.save();
    }
    await log.save();
    return log.result();
  } finally {
    signal?.removeEventListener('abort', onAbort);
    progress.stop();
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

function assertPositive(numbers: Readonly<Record<string, number>>): void {
  for (const [key, value] of Object.entries(numbers)) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new RangeError(`${key} is ${value}; expected a positive integer.`);
    }
  }
}
