/** One way of doing the work that is compared. */
export interface Competitor<R> {
  readonly name: string;
  /** One run in a process of its own; `round` counts from 0. */
  run(round: number): Promise<R | Absent>;
}
/** Why a competitor is not there. */
export interface Absent {
  readonly absent: string;
}
export const isAbsent = (result: unknown): result is Absent =>
  typeof result === 'object' && result !== null && 'absent' in result;

/**
 * Runs every competitor once a round, one at a time, so that a change of the machine's speed meets all of them; each
 * round begins with another one. Who is absent in the first round is not asked again.
 *
 * @returns by name, the results of all rounds, or why there are none
 */
export async function alternate<R>(
  competitors: readonly Competitor<R>[],
  rounds: number,
): Promise<Map<string, R[] | Absent>> {
  const results = new Map<string, R[] | Absent>(competitors.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round++) {
    for (let i = 0; i < competitors.length; i++) {
      const { name, run } = competitors[(i + round) % competitors.length]!;
      const earlier = results.get(name)!;
      if (isAbsent(earlier)) continue;
      console.error(`Round ${round + 1} of ${rounds}: ${name}`);
      const result = await run(round);
      if (isAbsent(result)) {
        console.error(`${name}: ${result.absent}`);
        results.set(name, result);
      } else earlier.push(result);
    }
  }
  return results;
}
