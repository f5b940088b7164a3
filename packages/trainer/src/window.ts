/**
 * Sums of the scalar outputs since the last logged step, and in how many of the steps each was; in checkpoints too, so a
 * resumed log has the same means.
 */
export interface MetricWindow {
  readonly steps: number;
  readonly sums: Readonly<Record<string, number>>;
  /** Of those that were not in every step. */
  readonly counts?: Readonly<Record<string, number>>;
}

export const EMPTY_WINDOW: MetricWindow = { steps: 0, sums: {} };

export function addToWindow(window: MetricWindow, scalars: Readonly<Record<string, number>>): MetricWindow {
  const steps = window.steps + 1;
  const names = [...new Set([...Object.keys(window.sums), ...Object.keys(scalars)])];
  const sums = names.map((name) => [name, (window.sums[name] ?? 0) + (scalars[name] ?? 0)] as const);
  const counts = names.map((name) => [name, countOf(window, name) + (name in scalars ? 1 : 0)] as const);
  const rare = counts.filter(([, count]) => count < steps);
  return {
    steps,
    sums: Object.fromEntries(sums),
    ...(rare.length > 0 && { counts: Object.fromEntries(rare) }),
  };
}

/** Each over the steps that had it. */
export function windowMeans(window: MetricWindow): Record<string, number> {
  return Object.fromEntries(
    Object.entries(window.sums).map(([name, sum]) => [name, sum / countOf(window, name)]),
  );
}

function countOf({ steps, sums, counts }: MetricWindow, name: string): number {
  return counts?.[name] ?? (name in sums ? steps : 0);
}
