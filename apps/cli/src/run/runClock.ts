import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@beit/tensors';
import type { ProgressReporter } from '@beit/trainer';
import { readText } from '../readText';
import { writeWhole } from './writeWhole';

/** Seconds of each stage of a run, those before it was interrupted included; they are kept in its folder. */
export interface RunClock<Stage extends string> {
  readonly seconds: Readonly<Record<Stage, number>>;
  /** What `work` takes, whether it succeeds or not. */
  timed<T>(stage: Stage, work: () => Promise<T>): Promise<T>;
}

export interface RunClockOptions {
  /** Whether this process writes the seconds down. */
  readonly keeps: boolean;
  /** Whether those in the folder are of this run. */
  readonly continues: boolean;
  readonly progress: Pick<ProgressReporter, 'message'>;
  /** Milliseconds of them that a kill takes, at most. Default 10,000. */
  readonly keptEvery?: number;
}

/** A clock that cannot be read begins at 0, with a warning: a run is more than its time. */
export async function runClock<Stage extends string>(
  out: string,
  stages: readonly [Stage, ...Stage[]],
  { keeps, continues, progress, keptEvery = 10_000 }: RunClockOptions,
): Promise<RunClock<Stage>> {
  const path = join(out, 'seconds.json');
  const before = continues ? await readSeconds(path, progress) : undefined;
  // A run of one stage has its seconds alone, of several by name.
  const secondsOf = (stage: Stage) => secondsIn(stages.length === 1 ? before : Object(before)[stage]);
  const seconds = Object.fromEntries(stages.map((stage) => [stage, secondsOf(stage)])) as Record<
    Stage,
    number
  >;
  /** A disk that is full is told of by whoever needs it; that a clock could not be kept ends no run. */
  const keep = async () => {
    const kept = stages.length === 1 ? seconds[stages[0]] : seconds;
    if (keeps) await writeWhole(path, JSON.stringify(kept)).catch(() => {});
  };
  return {
    seconds,
    async timed(stage, work) {
      const earlier = seconds[stage];
      const began = performance.now();
      const count = () => {
        seconds[stage] = earlier + (performance.now() - began) / 1000;
        return keep();
      };
      let last = Promise.resolve();
      const ticking = setInterval(() => {
        last = last.then(count);
      }, keptEvery).unref();
      try {
        return await work();
      } finally {
        clearInterval(ticking);
        await last;
        await count();
      }
    },
  };
}

async function readSeconds(path: string, progress: Pick<ProgressReporter, 'message'>): Promise<unknown> {
  if (!existsSync(path)) return undefined;
  try {
    return JSON.parse(await readText(path));
  } catch (error) {
    progress.message(`${path} cannot be read (${messageOf(error)}): the time before is not counted.`);
    return undefined;
  }
}

const secondsIn = (value: unknown): number =>
  typeof value === 'number' && Number.isFinite(value) && value >= 0 ? value : 0;
