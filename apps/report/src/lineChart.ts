import { formatNumber } from './formatNumber';
import { escapeHtml } from './html';
import { axes, coordinate, type PlotArea, type Scale, spreadLabels, svgFrame } from './svgChart';
import { logTicks, niceTicks } from './ticks';

export interface ChartPoint {
  readonly x: number;
  readonly y: number;
  /** The ends of a band around y: from seed to seed, say. */
  readonly low?: number;
  readonly high?: number;
}

/** One series. `line` is a solid line; `dots` has a dot per point and a dashed line between them. */
export interface ChartSeries {
  readonly label: string;
  readonly style: 'line' | 'dots';
  /** In ascending x. Where y is not finite (or not above 0 on a log scale) the line has a gap. */
  readonly points: readonly ChartPoint[];
}

export interface LineChart {
  /** Unique in the page. */
  readonly id: string;
  readonly title: string;
  readonly xLabel: string;
  /** The ends of the x axis, so that charts beside each other agree. Default: those of the points. */
  readonly xRange?: readonly [number, number];
  readonly series: readonly ChartSeries[];
  /** `auto`: logarithmic where all values are above 0 and the largest is more than 30 times the smallest. Default `linear`. */
  readonly yScale?: 'linear' | 'log' | 'auto';
}

const height = 240;
const area: PlotArea = { left: 52, top: 14, right: 322, bottom: 198 };
/** Room for labels, right of the plot: of what stands before them, and of a letter. */
const LABEL_LEFT = 24;
const LETTER = 7.2;

/** Pixels, so that the longest label fits. */
export const chartWidth = (series: readonly ChartSeries[]): number =>
  Math.max(
    400,
    Math.ceil(area.right + LABEL_LEFT + LETTER * Math.max(...series.map(({ label }) => label.length))),
  );
// More points than this cannot be told apart on the paper; each bucket keeps its extremes, so spikes stay.
const maxBuckets = 270;

/** A line chart as SVG, coloured by the page's classes `series-1`, `series-2`...; the last values stand beside the lines. */
export function lineChart({ id, title, xLabel, xRange, series, yScale = 'linear' }: LineChart): string {
  const values = series.flatMap(({ points }) => points.map(({ y }) => y)).filter(Number.isFinite);
  const log = usesLog(values, yScale);
  const drawable = ({ x, y }: ChartPoint) => Number.isFinite(x) && Number.isFinite(y) && !(log && y <= 0);
  const drawn = series
    .map((one, index) => ({ ...one, index, segments: segmentsOf(one.points, drawable) }))
    .filter(({ segments }) => segments.length > 0);
  const frame = { id, width: chartWidth(series), height, title, description: describe(series, log) };
  if (drawn.length === 0) return svgFrame(frame, emptyPlot());

  const all = drawn.flatMap(({ segments }) => segments.flat());
  const xEnds = rangeOf([...(xRange ?? []), ...all.map((point) => point.x)]);
  const x = linearScale(paddedWhenFlat(xEnds), area.left, area.right - 8);
  const yRange = rangeOf(all.flatMap(({ y, low = y, high = y }) => [y, low, high]));
  const y = log ? logScale(yRange) : linearScale(padded(paddedWhenFlat(yRange)), area.bottom, area.top);
  const xTicks = niceTicks(...xEnds, 4);
  const yTicks = log ? logTicks(...yRange) : niceTicks(...padded(paddedWhenFlat(yRange)));

  const lines = drawn.map(({ segments, style, index, label }) => {
    const paths = segments.map((segment) => pathOf(thinned(segment), x, y)).join('');
    const bands = segments.map((segment) => bandOf(segment, x, y)).join('');
    const dots = segments.flatMap((segment) => (style === 'dots' || segment.length === 1 ? segment : []));
    const marks = dots.map((point) => {
      const tip = `${label}, ${xLabel} ${formatNumber(point.x)}: ${formatNumber(point.y)}`;
      return `<circle cx="${coordinate(x(point.x))}" cy="${coordinate(y(point.y))}" r="2.6"><title>${escapeHtml(tip)}</title></circle>`;
    });
    return `<g class="series series-${(index % 4) + 1} ${style}">${bands}<path d="${paths}"/>${marks.join('')}</g>`;
  });
  return svgFrame(
    frame,
    axes({ area, x, y, xTicks, yTicks, xLabel }) + (log ? logNote : '') + lines.join('') + labels(drawn, y),
  );
}

const logNote = `<text class="tick" x="${area.right - 8}" y="${area.top - 3}" text-anchor="end">log scale</text>`;

/** The band of a segment whose points all have one. */
function bandOf(segment: readonly ChartPoint[], x: Scale, y: Scale): string {
  if (segment.some(({ low, high }) => low === undefined || high === undefined)) return '';
  const place = (point: ChartPoint, value: number) => `${coordinate(x(point.x))} ${coordinate(y(value))}`;
  const above = segment.map((point) => place(point, point.high!));
  const below = [...segment].reverse().map((point) => place(point, point.low!));
  return `<polygon class="band" points="${[...above, ...below].join(' ')}"/>`;
}

type Segments = readonly (readonly ChartPoint[])[];

function labels(
  drawn: readonly { label: string; style: string; index: number; segments: Segments }[],
  y: Scale,
): string {
  const last = drawn.map(({ segments }) => segments.at(-1)!.at(-1)!);
  const places = spreadLabels(
    last.map((point) => y(point.y)),
    28,
    area.top + 6,
    area.bottom - 16,
  );
  const left = area.right + 6;
  return drawn
    .map(({ label, style, index }, i) => {
      const at = places[i]!;
      const line = `<path d="M${left} ${coordinate(at)}h14"/>`;
      const dot = style === 'dots' ? `<circle cx="${left + 7}" cy="${coordinate(at)}" r="2.6"/>` : '';
      return (
        `<g class="series series-${(index % 4) + 1} ${style}">${line}${dot}</g>` +
        `<text class="label" x="${area.right + LABEL_LEFT}" y="${coordinate(at + 3.5)}">${escapeHtml(label)}</text>` +
        `<text class="label value" x="${area.right + LABEL_LEFT}" y="${coordinate(at + 16.5)}">${escapeHtml(formatNumber(last[i]!.y))}</text>`
      );
    })
    .join('');
}

function describe(series: readonly ChartSeries[], log: boolean): string {
  const parts = series.map(({ label, points }) => {
    const finite = points.filter(({ x, y }) => Number.isFinite(x) && Number.isFinite(y));
    if (finite.length === 0) return `${label}: no values.`;
    const [min, max] = rangeOf(finite.map(({ y }) => y)).map((value) => formatNumber(value));
    const [first, last] = [finite[0]!, finite.at(-1)!].map(({ y }) => formatNumber(y));
    const left = points.length - finite.length;
    const gaps = left > 0 ? `; ${left} not finite, left out` : '';
    return `${label}: ${finite.length} values from ${first} to ${last}, lowest ${min}, highest ${max}${gaps}.`;
  });
  return parts.join(' ') + (log ? ' Logarithmic scale.' : '');
}

function emptyPlot(): string {
  const x = coordinate((area.left + area.right) / 2);
  const y = coordinate((area.top + area.bottom) / 2);
  return `<text class="tick" x="${x}" y="${y}" text-anchor="middle">no values</text>`;
}

function usesLog(values: readonly number[], scale: 'linear' | 'log' | 'auto'): boolean {
  if (scale === 'linear' || values.length === 0) return false;
  const [min, max] = rangeOf(values);
  return scale === 'log' ? max > 0 : min > 0 && max > 30 * min;
}

function segmentsOf(points: readonly ChartPoint[], drawable: (point: ChartPoint) => boolean): ChartPoint[][] {
  const segments: ChartPoint[][] = [];
  let open = false;
  for (const point of points) {
    if (!drawable(point)) open = false;
    else if (open) segments.at(-1)!.push(point);
    else {
      segments.push([point]);
      open = true;
    }
  }
  return segments;
}

function thinned(points: readonly ChartPoint[]): readonly ChartPoint[] {
  if (points.length <= 4 * maxBuckets) return points;
  const size = Math.ceil(points.length / maxBuckets);
  const buckets = Array.from({ length: Math.ceil(points.length / size) }, (_, i) =>
    points.slice(i * size, (i + 1) * size),
  );
  return buckets.flatMap((bucket) => {
    const lowest = bucket.reduce((best, point) => (point.y < best.y ? point : best));
    const highest = bucket.reduce((best, point) => (point.y > best.y ? point : best));
    const kept = new Set([bucket[0]!, lowest, highest, bucket.at(-1)!]);
    return bucket.filter((point) => kept.has(point));
  });
}

function pathOf(points: readonly ChartPoint[], x: Scale, y: Scale): string {
  return points.map((p, i) => `${i === 0 ? 'M' : 'L'}${coordinate(x(p.x))} ${coordinate(y(p.y))}`).join('');
}

// Not Math.min(...values): long runs have more points than a call has room for arguments.
function rangeOf(values: readonly number[]): [number, number] {
  return values.reduce(([min, max], value) => [Math.min(min, value), Math.max(max, value)], [
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ] as [number, number]);
}

function paddedWhenFlat([min, max]: [number, number]): [number, number] {
  if (max > min) return [min, max];
  const pad = Math.abs(min) * 0.1 || 1;
  return [min - pad, max + pad];
}

function padded([min, max]: [number, number]): [number, number] {
  const pad = (max - min) * 0.05;
  // A quantity that is never negative should not get an axis that goes below 0.
  return [min >= 0 ? Math.max(0, min - pad) : min - pad, max + pad];
}

function linearScale([min, max]: [number, number], from: number, to: number): Scale {
  return (value) => from + ((value - min) / (max - min)) * (to - from);
}

function logScale([min, max]: [number, number]): Scale {
  const [low, high] = paddedWhenFlat([Math.log10(min), Math.log10(max)]);
  const scale = linearScale([low - (high - low) * 0.05, high + (high - low) * 0.05], area.bottom, area.top);
  return (value) => scale(Math.log10(value));
}
