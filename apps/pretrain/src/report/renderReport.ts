import { formatNumber, formatSeconds } from './formatNumber';
import { codeHistogram, codeUsage } from './histogram';
import { escapeHtml } from './html';
import { lineChart } from './lineChart';
import { metricCharts } from './metricCharts';
import { pageStyle } from './pageStyle';
import { drawHeatMap, drawQueryPoint, pictureUri } from './pictures';
import type { AttentionExample, AttentionPoint, Example, Picture, Report, StageReport } from './reportData';

interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: string;
}

/**
 * The report of a pre-training run as one HTML page that needs nothing else: no network, no script, no other file.
 * Parts for which there are no data are left out. Rejects where a picture, mask or attention map has the wrong size.
 */
export async function renderReport(report: Report): Promise<string> {
  const sections: Section[] = [
    { id: 'results', title: 'Results', body: summaryTable(report) },
    { id: 'pictures', title: 'Held-out pictures', body: await exampleSection(report.examples) },
    ...report.stages.map(stageSection),
    { id: 'codebook', title: 'Use of the codebook', body: codebookSection(report.codeCounts) },
    { id: 'attention', title: 'Self-attention', body: await attentionSection(report.attention) },
    { id: 'elbo', title: 'The evidence lower bound', body: elboSection(report) },
    { id: 'next', title: 'How to go on', body: nextSection(report) },
    { id: 'recipe', title: 'The recipe', body: recipeSection(report) },
  ].filter(({ body }) => body !== '');

  const links = sections.map(({ id, title }) => `<a href="#${escapeHtml(id)}">${escapeHtml(title)}</a>`);
  const bodies = sections.map(
    ({ id, title, body }) =>
      `<section id="${escapeHtml(id)}" aria-label="${escapeHtml(title)}">\n<h2>${escapeHtml(title)}</h2>\n${body}\n</section>`,
  );
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<link rel="icon" href="data:,">
<title>${escapeHtml(report.title)}</title>
<style>${pageStyle}</style>
</head>
<body>
<header>
<h1>${escapeHtml(report.title)}</h1>
${facts([
  ['recipe', report.recipe],
  ['engine', report.engine],
  ['made', report.created],
  ['time', formatSeconds(report.stages.reduce((sum, stage) => sum + stage.seconds, 0))],
])}
</header>
<nav aria-label="Sections">${links.join('\n')}</nav>
<main>
${bodies.join('\n')}
</main>
</body>
</html>
`;
}

function facts(entries: readonly (readonly [string, string])[]): string {
  const items = entries.map(([label, value]) => `<li>${escapeHtml(label)} <b>${escapeHtml(value)}</b></li>`);
  return `<ul class="facts">${items.join('')}</ul>`;
}

function summaryTable({ summary }: Report): string {
  if (summary.length === 0) return '';
  const rows = summary.map(
    ({ label, value, baseline = '', note = '' }) =>
      `<tr><th scope="row">${escapeHtml(label)}</th><td class="number">${escapeHtml(value)}</td>` +
      `<td class="number baseline">${escapeHtml(baseline)}</td><td class="note">${escapeHtml(note)}</td></tr>`,
  );
  return table(['On held-out images', 'This run', 'Trivial answer', ''], rows);
}

function table(head: readonly string[], rows: readonly string[]): string {
  const cells = head.map((title) =>
    title === '' ? '<td></td>' : `<th scope="col">${escapeHtml(title)}</th>`,
  );
  const body = `<thead><tr>${cells.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody>`;
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(head[0]!)}"><table>${body}</table></div>`;
}

function stageSection(stage: StageReport): Section {
  const charts = metricCharts(stage).map(
    (chart) => `<figure><figcaption>${escapeHtml(chart.title)}</figcaption>${lineChart(chart)}</figure>`,
  );
  const numbers = facts([
    ['parameters', formatNumber(stage.parameters, 7)],
    ['time', formatSeconds(stage.seconds)],
    ['throughput', `${formatNumber(stage.imagesPerSecond, 3)} images per second`],
  ]);
  const body =
    charts.length > 0
      ? `<div class="charts">${charts.join('\n')}</div>`
      : '<p class="soft">No metrics were written.</p>';
  return { id: `stage-${stage.name}`, title: stage.title, body: numbers + body };
}

function codebookSection(counts: Float64Array): string {
  if (counts.length === 0) return '';
  const { vocabulary, used, perplexity, total } = codeUsage(counts);
  const text =
    `<p>${formatNumber(used)} of ${formatNumber(vocabulary)} visual tokens are used on the held-out images ` +
    `(${formatNumber(total)} patches). Their perplexity is <b>${formatNumber(perplexity)}</b>: ` +
    `${formatNumber((100 * perplexity) / vocabulary, 3)} % of the vocabulary, what equal use of that many tokens would give.</p>`;
  return `${text}<figure class="wide">${codeHistogram('codebook-histogram', counts)}</figure>`;
}

const stops = [
  ['original', 'original', ''],
  ['reconstruction', 'reconstruction', ': all its tokens, decoded'],
  ['masked', 'masked', ': what BEiT sees'],
  ['visibleTokens', 'visible tokens', ', decoded; masked patches grey'],
  ['prediction', 'prediction', ': masked tokens predicted, all decoded'],
] as const;

async function exampleSection(examples: readonly Example[]): Promise<string> {
  if (examples.length === 0) return '';
  const intro =
    '<p class="soft">From left to right: the original; its dVAE reconstruction from all tokens; the masked image that BEiT sees; ' +
    'the visible tokens, decoded; and the visible tokens together with the ones BEiT predicts, decoded. ' +
    'The number is the share of masked tokens that were predicted exactly.</p>';
  const blocks = examples.map(async (example) => {
    const figures = stops.map(async ([key, caption, detail]) =>
      figure(example[key], caption, `${example.name}, ${caption}${detail}`),
    );
    const share = `${formatNumber(example.maskedTokenAccuracy * 100, 3)} %`;
    return (
      `<div class="example"><h3>${escapeHtml(example.name)} <span>${escapeHtml(share)} of the masked tokens</span></h3>` +
      `<div class="pictures">${(await Promise.all(figures)).join('')}</div></div>`
    );
  });
  return intro + (await Promise.all(blocks)).join('\n');
}

async function figure(picture: Picture, caption: string, alt: string): Promise<string> {
  // Small pictures are enlarged, where smoothing would hide what the pixels are; large ones are reduced.
  const kind = picture.width < 160 ? ' class="pixels"' : '';
  const size = `width="${picture.width}" height="${picture.height}"`;
  return (
    `<figure><img${kind} ${size} src="${await pictureUri(picture)}" alt="${escapeHtml(alt)}">` +
    `<figcaption>${escapeHtml(caption)}</figcaption></figure>`
  );
}

async function attentionSection(examples: readonly AttentionExample[]): Promise<string> {
  if (examples.length === 0) return '';
  const intro =
    '<p class="soft">Where a reference patch (red) looks in the last layer: one map per head, over the image in grey.</p>' +
    '<p class="scale">0 <i role="img" aria-label="Colour scale from dark violet over green to yellow"></i> largest of the head</p>';
  const blocks = examples.map(async (example) => {
    const points = await Promise.all(example.points.map((point) => attentionPoint(example, point)));
    return `<h3>${escapeHtml(example.name)}</h3>${points.join('\n')}`;
  });
  return intro + (await Promise.all(blocks)).join('\n');
}

async function attentionPoint(
  { name, image, gridSize }: AttentionExample,
  point: AttentionPoint,
): Promise<string> {
  const { row, column, heads } = point;
  const place = `row ${row}, column ${column}`;
  const marked = drawQueryPoint(image, gridSize, row, column);
  const maps = heads.map((head, index) => {
    const alt = `${name}: attention of head ${index + 1} from ${place}, strongest at ${strongest(head, gridSize[1])}`;
    return figure(drawHeatMap(image, head, gridSize), `head ${index + 1}`, alt);
  });
  const query = await figure(marked, place, `${name}, reference patch at ${place} marked red`);
  return `<div class="point pictures">${query}<div class="heads">${(await Promise.all(maps)).join('')}</div></div>`;
}

function strongest(head: Float32Array, columns: number): string {
  const index = head.reduce((best, value, i) => (value > head[best]! ? i : best), 0);
  return `row ${Math.floor(index / columns)}, column ${index % columns}`;
}

function elboSection({ elbo, elboNote }: Report): string {
  if (elbo.length === 0) return '';
  const rows = elbo.map(
    ({ term, symbol, value, unit, note }) =>
      `<tr><th scope="row">${escapeHtml(term)}</th><td class="symbol">${escapeHtml(symbol)}</td>` +
      `<td class="number">${escapeHtml(formatNumber(value, 5))}</td><td>${escapeHtml(unit)}</td><td class="note">${escapeHtml(note)}</td></tr>`,
  );
  return `<p>${escapeHtml(elboNote)}</p>${table(['Term', 'Symbol', 'Value', 'Unit', ''], rows)}`;
}

function nextSection({ nextSteps }: Report): string {
  return nextSteps
    .map(
      ({ text, command }) =>
        `<p>${escapeHtml(text)}</p><pre class="command"><code>${escapeHtml(command)}</code></pre>`,
    )
    .join('\n');
}

function recipeSection({ config }: Report): string {
  const json = escapeHtml(JSON.stringify(config, null, 2));
  return `<details><summary>All settings of this run, resolved, as JSON</summary><pre tabindex="0"><code>${json}</code></pre></details>`;
}
