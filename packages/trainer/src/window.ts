/** Sums of the scalar outputs since the last logged step; in checkpoints too, so a resumed log has the same means. */
export interface MetricWindow {
  readonly steps: number;
  readonly sums: Readonly<Record<string, number>>;
}

export const EMPTY_WINDOW: MetricWindow = { steps: 0, sums: {} };

export function addToWindow(window: MetricWindow, scalars: Readonly<Record<string, number>>): MetricWindow {
  const sums = Object.entries(scalars).map(([name, value]) => [name, (window.sums[name] ?? 0) + value]);
  return { steps: window.steps + 1, sums: Object.fromEntries(sums) };
}

export function windowMeans({ steps, sums }: MetricWindow): Record<string, number> {
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / steps]));
}
