import type { Point } from '@beit/measurements';

export interface Panel {
  /** What varies, with its unit. */
  readonly xLabel: string;
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly Point[];
    /** Seconds that the fit predicts for each of the points. */
    readonly fitted: readonly number[];
  }[];
}

const COLOURS = ['#0b6e4f', '#c8553d', '#3d5a98'];
const [width, height, gap] = [300, 230, 56];
const [top, bottom] = [44, 44];

/**
 * Panels side by side as a standalone SVG: measured points, and the fit as a line through its own points, from 0 on both
 * axes, so that what is proportional looks so.
 */
export function figure(panels: readonly Panel[], title: string): string {
  const full = panels.length * (width + gap) + 12;
  const names = panels[0]!.series.map(({ name }) => name);
  const legend = names.map(
    (name, i) =>
      `<circle cx="${gap + 130 * i}" cy="16" r="4" fill="${COLOURS[i % 3]}"/><text x="${gap + 130 * i + 10}" y="20">${name}</text>`,
  );
  const drawn = panels.map(
    (panel, i) => `<g transform="translate(${gap + i * (width + gap)} ${top})">${draw(panel)}</g>`,
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${full} ${top + height + bottom}" role="img" font-family="system-ui, sans-serif" font-size="12" fill="#333"><title>${title}</title><rect width="100%" height="100%" fill="#fff"/>${legend.join('')}${drawn.join('')}</svg>\n`;
}

function draw({ xLabel, series }: Panel): string {
  const points = series.flatMap((one) => one.points);
  const [xMax, yMax] = [largest(points.map(({ x }) => x)), largest(points.map(({ y }) => y))];
  const x = (value: number) => ((width * value) / xMax).toFixed(1);
  const y = (value: number) => (height - (height * value) / (1.05 * yMax)).toFixed(1);
  const xTicks = [...new Set(points.map((point) => point.x))].map(
    (value) => `<text x="${x(value)}" y="${height + 16}" text-anchor="middle">${value}</text>`,
  );
  const yTicks = ticks(yMax).map(
    (value) =>
      `<line x2="${width}" y1="${y(value)}" y2="${y(value)}" stroke="#ddd"/><text x="-6" y="${Number(y(value)) + 4}" text-anchor="end">${value}</text>`,
  );
  const lines = series.map(({ points, fitted }, i) => {
    const path = points.map((point, j) => `${j === 0 ? 'M' : 'L'}${x(point.x)} ${y(fitted[j]!)}`).join('');
    const dots = points.map((point) => `<circle cx="${x(point.x)}" cy="${y(point.y)}" r="3.5"/>`).join('');
    const colour = COLOURS[i % 3];
    return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="1.5"/><g fill="${colour}">${dots}</g>`;
  });
  return [
    ...yTicks,
    `<line x2="${width}" y1="${height}" y2="${height}" stroke="#333"/>`,
    ...xTicks,
    ...lines,
    `<text x="${width / 2}" y="${height + 36}" text-anchor="middle">${xLabel}</text>`,
    `<text x="-6" y="-8" text-anchor="end">s</text>`,
  ].join('');
}

const largest = (numbers: readonly number[]) => Math.max(...numbers);

/** Three to six round values up to `max`. */
function ticks(max: number): number[] {
  const power = 10 ** Math.floor(Math.log10(max));
  const step = [0.2, 0.5, 1, 2].map((factor) => factor * power).find((one) => max / one <= 6)!;
  return Array.from({ length: Math.floor(max / step) + 1 }, (_, i) => Number((i * step).toPrecision(6)));
}
