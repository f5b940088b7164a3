import {
  drawHeatMap,
  drawQueryPoint,
  escapeHtml,
  figure,
  filesSection,
  formatNumber,
  formatSeconds,
  nextSection,
  recipeSection,
  renderPage,
  stageSection,
  summaryTable,
  table,
} from '@beit/report';
import { codeHistogram, codeUsage } from './histogram';
import type { AttentionExample, AttentionPoint, ElboRow, Report } from './reportData';

/**
 * The report of a pre-training run as one HTML page that needs nothing else: no network, no script, no other file.
 * Parts for which there are no data are left out. Rejects where a picture, mask or attention map has the wrong size.
 */
export async function renderReport(report: Report): Promise<string> {
  return renderPage({
    title: report.title,
    facts: [
      ['recipe', report.recipe],
      ['engine', report.engine],
      ['made', report.created],
      ['time', formatSeconds(report.stages.reduce((sum, stage) => sum + stage.seconds, 0))],
    ],
    sections: [
      { id: 'results', title: 'Results', body: summaryTable(report.summary) },
      { id: 'pictures', title: 'Held-out pictures', body: await exampleSection(report) },
      ...report.stages.map(stageSection),
      { id: 'codebook', title: 'Use of the codebook', body: codebookSection(report.codeCounts) },
      { id: 'attention', title: 'Self-attention', body: await attentionSection(report.attention) },
      { id: 'elbo', title: 'The evidence lower bound', body: elboSection(report.elbo) },
      filesSection(report.files.notes, report.files.unreadable),
      nextSection(report.nextSteps),
      recipeSection(report.config),
    ],
  });
}

function codebookSection(counts: Float64Array | undefined): string {
  if (counts === undefined) return '';
  const { vocabulary, used, perplexity, total } = codeUsage(counts);
  const text =
    `<p>${formatNumber(used)} of ${formatNumber(vocabulary)} visual tokens are used on the held-out images ` +
    `(${formatNumber(total)} patches). Their perplexity is <b>${formatNumber(perplexity)}</b>: ` +
    `${formatNumber((100 * perplexity) / vocabulary, 3)} % of the vocabulary, what equal use of that many tokens would give.</p>`;
  return `${text}<figure class="wide">${codeHistogram('codebook-histogram', counts)}</figure>`;
}

async function exampleSection({ examples, examplesNote }: Report): Promise<string> {
  if (examples.length === 0) return '';
  const blocks = examples.map(async ({ name, note, pictures }) => {
    const figures = pictures.map(({ picture, caption, detail = '' }) =>
      figure(picture, caption, `${name}, ${caption}${detail}`),
    );
    return (
      `<div class="example"><h3>${escapeHtml(name)} <span>${escapeHtml(note)}</span></h3>` +
      `<div class="pictures">${(await Promise.all(figures)).join('')}</div></div>`
    );
  });
  return `<p class="soft">${escapeHtml(examplesNote)}</p>${(await Promise.all(blocks)).join('\n')}`;
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

const ELBO_NOTE =
  'Stage 1 bounds log p(x) with a uniform prior over tokens; stage 2 keeps encoder and decoder and learns the prior p(z | x̃) ' +
  'from corrupted images instead (section 2.4 of the paper). The bound of stage 2 asks for the probability of every token; ' +
  'BEiT trains the masked ones alone, so its loss is only a part of the bound.';

function elboSection(elbo: readonly ElboRow[] | undefined): string {
  if (elbo === undefined) return '';
  const rows = elbo.map(
    ({ term, symbol, value, unit, note }) =>
      `<tr><th scope="row">${escapeHtml(term)}</th><td class="symbol">${escapeHtml(symbol)}</td>` +
      `<td class="number">${escapeHtml(formatNumber(value, 5))}</td><td>${escapeHtml(unit)}</td><td class="note">${escapeHtml(note)}</td></tr>`,
  );
  return `<p>${escapeHtml(ELBO_NOTE)}</p>${table(['Term', 'Symbol', 'Value', 'Unit', ''], rows)}`;
}
