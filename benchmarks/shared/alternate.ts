/** Why something could not be measured here. */
export interface Absent {
  readonly absent: string;
}
export const isAbsent = (result: unknown): result is Absent =>
  typeof result === 'object' && result !== null && 'absent' in result;

/** One of the things that are compared, and its results so far: one a round, or why there are none. */
export interface Competitor<R> {
  readonly name: string;
  /** One run, in a process of its own; `round` counts from 0. */
  readonly measure: (round: number) => Promise<R | Absent>;
  readonly results: R[];
  absent?: string;
}

export const competitor = <R>(name: string, measure: Competitor<R>['measure']): Competitor<R> => ({
  name,
  measure,
  results: [],
});

/**
 * Measures every competitor once a round, one at a time, so that a change of the machine's speed meets all of them; each
 * round begins with another one. Who turns out to be absent is not asked again.
 */
export async function alternate(
  competitors: readonly Pick<Competitor<unknown>, 'name' | 'measure' | 'results' | 'absent'>[],
  rounds: number,
): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < competitors.length; i++) {
      const one = competitors[(i + round) % competitors.length]!;
      if (one.absent !== undefined) continue;
      console.error(`Round ${round + 1} of ${rounds}: ${one.name}`);
      const result = await one.measure(round);
      if (isAbsent(result)) {
        console.error(`${one.name} is left out: ${result.absent}`);
        one.absent = result.absent;
      } else one.results.push(result);
    }
  }
}
