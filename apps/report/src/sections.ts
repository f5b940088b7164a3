/** What the pages of all apps are made of, as HTML. */
import { formatNumber, formatSeconds } from './formatNumber';
import { escapeHtml } from './html';
import { lineChart } from './lineChart';
import { metricCharts } from './metricCharts';
import { pictureUri } from './pictures';
import type { NextStep, Picture, Section, StageReport, SummaryRow } from './reportData';

export function facts(entries: readonly (readonly [string, string])[]): string {
  const items = entries.map(([label, value]) => `<li>${escapeHtml(label)} <b>${escapeHtml(value)}</b></li>`);
  return `<ul class="facts">${items.join('')}</ul>`;
}

/** `rows` are HTML `<tr>`s; the first heading names the table. */
export function table(head: readonly string[], rows: readonly string[]): string {
  const cells = head.map((title) =>
    title === '' ? '<td></td>' : `<th scope="col">${escapeHtml(title)}</th>`,
  );
  const body = `<thead><tr>${cells.join('')}</tr></thead><tbody>${rows.join('\n')}</tbody>`;
  return `<div class="scroll" tabindex="0" role="region" aria-label="${escapeHtml(head[0]!)}"><table>${body}</table></div>`;
}

export function summaryTable(
  summary: readonly SummaryRow[],
  head: readonly string[] = ['On held-out images', 'This run', 'Trivial answer', ''],
): string {
  if (summary.length === 0) return '';
  const rows = summary.map(
    ({ label, value, baseline = '', note = '' }) =>
      `<tr><th scope="row">${escapeHtml(label)}</th><td class="number">${escapeHtml(value)}</td>` +
      `<td class="number baseline">${escapeHtml(baseline)}</td><td class="note">${escapeHtml(note)}</td></tr>`,
  );
  return table(head, rows);
}

/** Numbers and curves of one stage of training. */
export function stageSection(stage: StageReport): Section {
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

export async function figure(picture: Picture, caption: string, alt: string): Promise<string> {
  // Small pictures are enlarged, where smoothing would hide what the pixels are; large ones are reduced.
  const kind = picture.width < 160 ? ' class="pixels"' : '';
  const size = `width="${picture.width}" height="${picture.height}"`;
  return (
    `<figure><img${kind} ${size} src="${await pictureUri(picture)}" alt="${escapeHtml(alt)}">` +
    `<figcaption>${escapeHtml(caption)}</figcaption></figure>`
  );
}

export const nextSection = (nextSteps: readonly NextStep[]): Section => ({
  id: 'next',
  title: 'How to go on',
  body: nextSteps
    .map(
      ({ text, command }) =>
        `<p>${escapeHtml(text)}</p><pre class="command"><code>${escapeHtml(command)}</code></pre>`,
    )
    .join('\n'),
});

export function recipeSection(config: object): Section {
  const json = escapeHtml(JSON.stringify(config, null, 2));
  return {
    id: 'recipe',
    title: 'The recipe',
    body: `<details><summary>All settings of this run, resolved, as JSON</summary><pre tabindex="0"><code>${json}</code></pre></details>`,
  };
}

/** So many of the files that could not be read are shown. */
const MOST_FILES = 20;

/** What happened to the files of a data set: `notes` are sentences. Empty where there is nothing to tell. */
export function filesSection(
  notes: readonly string[],
  unreadable: readonly { readonly name: string; readonly reason: string }[],
): Section {
  const paragraphs = notes.map((note) => `<p>${escapeHtml(note)}</p>`);
  if (unreadable.length > 0) {
    const rows = unreadable
      .slice(0, MOST_FILES)
      .map(
        ({ name, reason }) =>
          `<tr><th scope="row">${escapeHtml(name)}</th><td class="note">${escapeHtml(reason)}</td></tr>`,
      );
    const files = unreadable.length === 1 ? '1 file' : `${unreadable.length} files`;
    const more =
      unreadable.length > MOST_FILES ? `; here are ${MOST_FILES} of them, all are in` : '; they are in';
    paragraphs.push(
      `<p>${files} could not be read: others were trained on instead, and none was measured on${more} unreadable.json.</p>`,
      table(['File', 'Why'], rows),
    );
  }
  return { id: 'files', title: 'Files', body: paragraphs.join('') };
}
