import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Seconds of each stage of a run, those before it was interrupted included; they are kept in its folder. */
export interface RunClock<Stage extends string> {
  readonly seconds: Readonly<Record<Stage, number>>;
  /** What `work` takes, whether it succeeds or not. */
  timed<T>(stage: Stage, work: () => Promise<T>): Promise<T>;
}

/**
 * @param keeps whether this process writes the seconds down
 * @param continues whether those in the folder are of this run
 */
export async function runClock<Stage extends string>(
  out: string,
  stages: readonly [Stage, ...Stage[]],
  { keeps, continues }: { readonly keeps: boolean; readonly continues: boolean },
): Promise<RunClock<Stage>> {
  const path = join(out, 'seconds.json');
  const text = continues ? await readFile(path, 'utf8').catch(() => undefined) : undefined;
  // A run of one stage has its seconds alone, of several by name.
  const before: number | Readonly<Record<string, number>> = text === undefined ? 0 : JSON.parse(text);
  const secondsOf = (stage: Stage) => (typeof before === 'number' ? before : (before[stage] ?? 0));
  const seconds = Object.fromEntries(stages.map((stage) => [stage, secondsOf(stage)])) as Record<
    Stage,
    number
  >;
  return {
    seconds,
    async timed(stage, work) {
      const began = performance.now();
      try {
        return await work();
      } finally {
        seconds[stage] += (performance.now() - began) / 1000;
        const kept = stages.length === 1 ? seconds[stages[0]] : seconds;
        if (keeps) await writeFile(path, JSON.stringify(kept));
      }
    },
  };
}
