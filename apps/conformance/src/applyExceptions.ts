import type { Comparison } from './conformance';
import type { Exception } from './exceptions';
import type { Runner } from './runProgram';

/** What must not be: a number that differs, an error that names nothing, a crash. */
const isBad = ({ verdict: { kind } }: Pick<Comparison, 'verdict'>): boolean =>
  kind === 'different' || kind === 'error' || kind === 'crash';

export interface Excepted {
  /** Bad comparisons with no exception. */
  readonly bad: readonly Comparison[];
  /** Bad comparisons with one. */
  readonly excused: ReadonlySet<Comparison>;
  /** Exceptions that no longer apply, with the runners for which they don't. */
  readonly outdated: readonly { readonly exception: Exception; readonly runners: readonly Runner[] }[];
}

/**
 * Sorts out what is known and explained.
 *
 * @param runners those that took part
 * @param exceptions those whose tests took part
 */
export function applyExceptions(
  comparisons: readonly Comparison[],
  runners: readonly Runner[],
  exceptions: readonly Exception[],
): Excepted {
  const excused = new Set<Comparison>();
  const outdated = exceptions.flatMap((exception) => {
    const { file, test, runners: named = runners } = exception;
    const needless = named.filter((runner) => {
      const covered = comparisons.filter(
        (row) => row.file === file && row.test === test && row.runner === runner && isBad(row),
      );
      for (const row of covered) excused.add(row);
      return runners.includes(runner) && covered.length === 0;
    });
    return needless.length > 0 ? [{ exception, runners: needless }] : [];
  });
  return {
    bad: comparisons.filter((row) => isBad(row) && !excused.has(row)),
    excused,
    outdated,
  };
}
