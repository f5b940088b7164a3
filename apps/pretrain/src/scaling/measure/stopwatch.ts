import type { Job } from '@beit/trainer';

/** Seconds of one step of one rank, by what they went to; together they are the step. */
export interface StepTimes {
  /** For the others, where all meet: before the step, and when the micro-batches are done. */
  readonly waiting: number;
  /** Micro-batches. With one micro-batch and one rank the update is a part of it. */
  readonly compute: number;
  /** Copying gradients, until the first bucket can be sent. */
  readonly firstCopy: number;
  readonly otherCopies: number;
  /** From the last copy to the last sum. */
  readonly exposed: number;
  readonly update: number;
}

/** Where a step has been, in seconds of the clock. */
interface Marks {
  readonly begun: number;
  together: number;
  computed?: number;
  agreed?: number;
  firstSent?: number;
  lastSent?: number;
  received?: number;
}

const now = () => performance.now() / 1000;

/**
 * A job whose steps are timed. What `train` and `accumulatedProgram` ask of a job tells where a step is: whole numbers go
 * before it, sums in float64 when its micro-batches are done, gradients in float32.
 *
 * @param betweenSteps before every step, with the times of all that are done
 */
export function stopwatch(job: Job, betweenSteps: (done: readonly StepTimes[]) => Promise<void>): Job {
  const done: StepTimes[] = [];
  let marks: Marks | undefined;
  return {
    ...job,
    async allReduce(data, reduction) {
      if (data instanceof Int32Array) {
        if (marks) done.push(timesOf(marks, now()));
        marks = undefined;
        await betweenSteps(done);
        const begun = now();
        await job.allReduce(data, reduction);
        marks = { begun, together: now() };
      } else if (marks && data instanceof Float64Array) {
        marks.computed = now();
        await job.allReduce(data, reduction);
        marks.agreed = now();
      } else if (marks && data instanceof Float32Array) {
        const step = marks;
        step.lastSent = now();
        step.firstSent ??= step.lastSent;
        await job.allReduce(data, reduction);
        step.received = now();
      } else await job.allReduce(data, reduction);
    },
  };
}

function timesOf({ begun, together, computed, agreed, firstSent, lastSent, received }: Marks, end: number) {
  const before = together - begun;
  if (computed === undefined)
    return { waiting: before, compute: end - together, firstCopy: 0, otherCopies: 0, exposed: 0, update: 0 };
  return {
    waiting: before + agreed! - computed,
    compute: computed - together,
    firstCopy: firstSent! - agreed!,
    otherCopies: lastSent! - firstSent!,
    exposed: received! - lastSent!,
    update: end - received!,
  };
}

export const secondsOfStep = (times: StepTimes): number =>
  Object.values(times).reduce((sum, seconds) => sum + seconds, 0);

/** One of several processes, of whom there is no other: it does a rank's work and exchanges nothing. */
export const pretendedJob = (size: number): Job => ({
  rank: 0,
  size,
  allReduce: async () => {},
  reduceScatter: async () => {},
  allGather: async () => {},
  barrier: async () => {},
});
