import { formatNumber } from './formatNumber';
import { escapeHtml } from './html';

/** Where the data are drawn, in the units of the viewBox. */
export interface PlotArea {
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

/** A data value to its place on the paper. */
export type Scale = (value: number) => number;

export interface SvgFrame {
  /** Unique in the page. */
  readonly id: string;
  readonly width: number;
  readonly height: number;
  /** What the figure is, for those who do not see it. */
  readonly title: string;
  /** What can be read from it. */
  readonly description: string;
}

/** The outer element of a chart, with title and description for screen readers. */
export function svgFrame({ id, width, height, title, description }: SvgFrame, content: string): string {
  const name = escapeHtml(id);
  return (
    `<svg class="chart" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${name}-title ${name}-desc">` +
    `<title id="${name}-title">${escapeHtml(title)}</title>` +
    `<desc id="${name}-desc">${escapeHtml(description)}</desc>${content}</svg>`
  );
}

/** Grid lines and labels of both axes; the labels of x stay inside the picture. */
export function axes(input: {
  readonly area: PlotArea;
  readonly x: Scale;
  readonly y: Scale;
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
  readonly xLabel: string;
  readonly formatY?: (value: number) => string;
}): string {
  const { area, x, y, xTicks, yTicks, xLabel, formatY = formatNumber } = input;
  const horizontal = yTicks.map((tick) => {
    const at = coordinate(y(tick));
    return (
      `<line class="grid" x1="${area.left}" x2="${area.right}" y1="${at}" y2="${at}"/>` +
      `<text class="tick" x="${area.left - 6}" y="${coordinate(y(tick) + 3.5)}" text-anchor="end">${escapeHtml(formatY(tick))}</text>`
    );
  });
  const vertical = xTicks.map((tick) => {
    const at = coordinate(x(tick));
    return (
      `<line class="axis" x1="${at}" x2="${at}" y1="${area.bottom}" y2="${area.bottom + 4}"/>` +
      `<text class="tick" x="${at}" y="${area.bottom + 16}" text-anchor="middle">${escapeHtml(formatNumber(tick))}</text>`
    );
  });
  const base = `<line class="axis" x1="${area.left}" x2="${area.right}" y1="${area.bottom}" y2="${area.bottom}"/>`;
  const middle = coordinate((area.left + area.right) / 2);
  const name = `<text class="tick" x="${middle}" y="${area.bottom + 31}" text-anchor="middle">${escapeHtml(xLabel)}</text>`;
  return horizontal.join('') + base + vertical.join('') + name;
}

/** A number for an SVG attribute: two decimals are finer than any screen. */
export function coordinate(value: number): string {
  if (!Number.isFinite(value))
    throw new Error(`Coordinate ${value}: expected a finite number. Leave out such points before drawing.`);
  return String(Math.round(value * 100) / 100 + 0);
}

/** Where labels go so that they are `gap` apart and in `[min, max]`, in the order given, each near its wish. */
export function spreadLabels(wishes: readonly number[], gap: number, min: number, max: number): number[] {
  const order = wishes.map((_, i) => i).sort((a, b) => wishes[a]! - wishes[b]!);
  const places = [...wishes];
  let floor = min;
  for (const i of order) {
    places[i] = Math.max(places[i]!, floor);
    floor = places[i]! + gap;
  }
  let ceiling = max;
  for (const i of order.reverse()) {
    places[i] = Math.min(places[i]!, ceiling);
    ceiling = places[i]! - gap;
  }
  return places;
}
