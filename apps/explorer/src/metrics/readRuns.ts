/** Curves of training, from the files that runs leave. */

/** A line of metrics.jsonl. */
export interface MetricsPoint {
  readonly kind: string;
  readonly step: number;
  readonly [metric: string]: number | string | null;
}

export interface Run {
  /** Its folder, as far as it is known. */
  readonly name: string;
  readonly points: readonly MetricsPoint[];
}

const METRICS = 'metrics.jsonl';

/**
 * Runs among the files of a folder; others are not read.
 *
 * @throws when there is none, or a file is not what its name says
 */
export async function readRuns(
  files: readonly { readonly path: string; readonly file: Blob }[],
): Promise<Run[]> {
  const metrics = files.filter(({ path }) => path.split('/').at(-1) === METRICS);
  if (metrics.length === 0)
    throw new Error(
      `There is no ${METRICS} in what you opened. Open a folder of runs/, or several: training writes the file there.`,
    );
  return Promise.all(
    metrics.map(async ({ path, file }) => ({
      name: path.split('/').slice(0, -1).join('/') || path,
      points: parseMetrics(await file.text(), path),
    })),
  );
}

/** The last line may be cut off, when training is under way or was killed; elsewhere that is an error. */
export function parseMetrics(text: string, path: string): MetricsPoint[] {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  return lines.flatMap((line, i) => {
    try {
      const point = JSON.parse(line) as MetricsPoint;
      if (typeof point?.step !== 'number' || typeof point.kind !== 'string') throw new Error();
      return point;
    } catch {
      if (i === lines.length - 1) return [];
      throw new Error(`${path}, line ${i + 1}, is no metrics of a training step.`);
    }
  });
}

export interface Metric {
  readonly kind: string;
  readonly name: string;
}

const NOT_METRICS = new Set(['kind', 'step', 'epoch']);

/** All that some run has measured, evaluations first. */
export function metricsOf(runs: readonly Run[]): Metric[] {
  const found = new Map<string, Metric>();
  for (const { points } of runs)
    for (const point of points)
      for (const [name, value] of Object.entries(point))
        if (!NOT_METRICS.has(name) && typeof value === 'number')
          found.set(`${point.kind} ${name}`, { kind: point.kind, name });
  const rank = ({ kind }: Metric) => (kind === 'evaluation' ? 0 : 1);
  return [...found.values()].sort((a, b) => rank(a) - rank(b));
}

export interface CurvePoint {
  readonly x: number;
  readonly y: number;
}

/** Above so many points a curve is drawn by means. */
const MOST_POINTS = 400;

/** A run's curve, by step or by epoch; long ones as the means of equal parts. */
export function curveOf({ points }: Run, { kind, name }: Metric, by: 'step' | 'epoch'): CurvePoint[] {
  const own = points.flatMap((point) => {
    const [x, y] = [point[by], point[name]];
    return point.kind === kind && typeof x === 'number' && typeof y === 'number' ? [{ x, y }] : [];
  });
  const size = Math.ceil(own.length / MOST_POINTS);
  if (size <= 1) return own;
  return Array.from({ length: Math.ceil(own.length / size) }, (_, i) => {
    const part = own.slice(i * size, (i + 1) * size);
    return { x: part.at(-1)!.x, y: part.reduce((sum, { y }) => sum + y, 0) / part.length };
  });
}
