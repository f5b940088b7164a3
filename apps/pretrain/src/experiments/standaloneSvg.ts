import { escapeHtml } from '../report/html';
import { type LineChart, lineChart } from '../report/lineChart';
import { pageStyle } from '../report/pageStyle';

const WIDTH = 400;
const HEIGHT = 240;
const TITLE = 24;
const GAP = 16;

/** Charts, two in a row under their titles, as an SVG file of its own: light and dark as the reader's page is. */
export function standaloneSvg(charts: readonly LineChart[]): string {
  const rows = Math.ceil(charts.length / 2);
  const width = 2 * WIDTH + GAP;
  const height = rows * (HEIGHT + TITLE + GAP);
  const placed = charts.map((chart, i) => {
    const x = (i % 2) * (WIDTH + GAP);
    const y = Math.floor(i / 2) * (HEIGHT + TITLE + GAP);
    const svg = lineChart(chart).replace(
      '<svg ',
      `<svg x="${x}" y="${y + TITLE}" width="${WIDTH}" height="${HEIGHT}" `,
    );
    return `<text class="title" x="${x + 8}" y="${y + 16}">${escapeHtml(chart.title)}</text>${svg}`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">` +
    `<style>${pageStyle}.title { fill: var(--ink); font-weight: 550; font-size: 13px; } svg { font-family: system-ui, sans-serif; }</style>` +
    `<rect width="${width}" height="${height}" style="fill: var(--paper)"/>${placed.join('\n')}</svg>\n`
  );
}
