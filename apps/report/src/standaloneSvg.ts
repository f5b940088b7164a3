import { escapeHtml } from './html';
import { chartWidth, type LineChart, lineChart } from './lineChart';

const HEIGHT = 240;
const TITLE = 24;
const GAP = 16;

/** The report's light colours as literals: viewers outside of browsers know no custom properties. */
const STYLE = `
text { font-family: system-ui, sans-serif; font-size: 11px; fill: #1d1f21; }
.title { font-size: 13px; font-weight: 600; }
.tick { fill: #5b6065; }
.grid { stroke: #dfdfda; stroke-width: 0.8; }
.axis { stroke: #5b6065; stroke-width: 0.8; }
.series path { fill: none; stroke: currentColor; stroke-width: 1.4; stroke-linejoin: round; }
.series circle { fill: currentColor; }
.series.dots path { stroke-dasharray: 4 3; }
.band { fill: currentColor; opacity: 0.15; }
.series-1 { color: #0072b2; }
.series-2 { color: #d55e00; }
.series-3 { color: #009e73; }
.series-4 { color: #b4568f; }
`;

/** Charts, at most two in a row, under their titles, as an SVG file of its own. */
export function standaloneSvg(title: string, charts: readonly LineChart[]): string {
  const columns = Math.min(2, charts.length);
  const rows = Math.ceil(charts.length / columns);
  const chart = Math.max(...charts.map(({ series }) => chartWidth(series)));
  const width = columns * (chart + GAP) - GAP;
  const height = rows * (HEIGHT + TITLE + GAP);
  const placed = charts.map((one, i) => {
    const x = (i % columns) * (chart + GAP);
    const y = Math.floor(i / columns) * (HEIGHT + TITLE + GAP);
    const svg = lineChart(one).replace(
      '<svg ',
      `<svg x="${x}" y="${y + TITLE}" width="${chartWidth(one.series)}" height="${HEIGHT}" `,
    );
    return `<text class="title" x="${x + 8}" y="${y + 16}">${escapeHtml(one.title)}</text>${svg}`;
  });
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">` +
    `<title>${escapeHtml(title)}</title><style>${STYLE}</style>` +
    `<rect width="${width}" height="${height}" fill="#fdfdfc"/>${placed.join('\n')}</svg>\n`
  );
}
