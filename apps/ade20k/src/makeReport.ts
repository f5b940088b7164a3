import type { Unreadable } from '@beit/data';
import {
  escapeHtml,
  figure,
  filesSection,
  formatSeconds,
  nextSection,
  type RunOutcome,
  recipeSection,
  renderPage,
  runFacts,
  type SummaryRow,
  summaryTable,
  table,
  trainingSection,
} from '@beit/report';
import type { Color, SegmentationMetrics } from '@beit/segmentation';
import type { Dataset } from './dataset';
import type { SegmentedImage } from './evaluation';
import { strip } from './pictures';
import type { SegmentRecipe } from './recipe';

export interface Outcome extends RunOutcome {
  readonly recipe: SegmentRecipe;
  readonly dataset: Dataset;
  readonly metrics: SegmentationMetrics;
  /** How many validation images were measured. */
  readonly images: number;
  readonly unreadable: readonly Unreadable[];
  /** Some validation images. */
  readonly examples: readonly SegmentedImage[];
  readonly best: { readonly step: number; readonly value: number } | undefined;
}

const percent = (x: number) => (Number.isNaN(x) ? 'n/a' : `${(100 * x).toFixed(1)} %`);

/** How a segmenter did, beside an answer that needs no model: the most frequent class everywhere. */
export function metricRows(
  { mIoU, meanAccuracy, pixelAccuracy, shares, iou }: SegmentationMetrics,
  classes: readonly string[],
): SummaryRow[] {
  // Without a labelled pixel there are no shares.
  const known = shares.map((share) => share || 0);
  const largest = Math.max(...known);
  const occurring = known.filter((share) => share > 0).length;
  const baseline = (share: number) => (occurring === 0 ? undefined : percent(share));
  const unmeasured = classes.filter((_, label) => Number.isNaN(iou[label]));
  const notes = [
    ...(occurring === 0 ? [] : [`baseline: '${classes[known.indexOf(largest)]!}' everywhere`]),
    ...(unmeasured.length === 0
      ? []
      : [
          `a mean over ${classes.length - unmeasured.length} of ${classes.length} classes: ` +
            `no picture and no prediction has ${shortList(unmeasured)}`,
        ]),
  ];
  return [
    { label: 'mIoU', value: percent(mIoU), baseline: baseline(largest / occurring), note: notes.join('; ') },
    {
      label: 'Mean accuracy of the classes',
      value: percent(meanAccuracy),
      baseline: baseline(1 / occurring),
      ...(occurring < classes.length && {
        note: `a mean over ${occurring} of ${classes.length} classes: those that a picture has`,
      }),
    },
    { label: 'Pixel accuracy', value: percent(pixelAccuracy), baseline: baseline(largest) },
  ];
}

const MOST_LISTED = 5;

function shortList(names: readonly string[]): string {
  const shown = names.slice(0, MOST_LISTED).map((name) => `'${name}'`);
  return shown.join(', ') + (names.length > MOST_LISTED ? ` and ${names.length - MOST_LISTED} more` : '');
}

/** The essentials, as shown in the terminal and on top of the page. */
export const summaryOf = ({ metrics, dataset, best, seconds }: Outcome): SummaryRow[] => [
  ...metricRows(metrics, dataset.classes),
  ...(best
    ? [
        {
          label: 'Best mIoU on the way',
          value: percent(best.value),
          note: 'chosen on these very images, so a little too good: model-best.safetensors',
        },
      ]
    : []),
  { label: 'Time', value: formatSeconds(seconds) },
];

/** The page of a run. */
export async function makeReport(outcome: Outcome): Promise<string> {
  const { recipe, out } = outcome;
  return renderPage({
    title: `Segmentation: ${recipe.name}`,
    facts: runFacts(outcome),
    sections: [
      {
        id: 'results',
        title: 'Results',
        body: summaryTable(summaryOf(outcome), ['On validation images', 'This run', 'Trivial answer', '']),
      },
      { id: 'pictures', title: 'Validation pictures', body: await pictureSection(outcome) },
      { id: 'classes', title: 'Classes', body: classSection(outcome) },
      await trainingSection(outcome, { name: 'segmentation', title: 'Training' }),
      filesSection(outcome.dataset.notes, outcome.unreadable),
      nextSection([
        {
          text: 'Your own pictures:',
          command: `pnpm --filter ade20k start -- predict --model ${out} --out masks IMAGE_OR_FOLDER`,
        },
      ]),
      recipeSection(recipe),
    ],
  });
}

async function pictureSection({ examples, dataset: { palette } }: Outcome): Promise<string> {
  const figures = examples.map((image) =>
    figure(strip(image, palette), image.name, `${image.name}: image, truth and prediction`),
  );
  return `<p class="soft">The image, the truth, and what the model says.</p>${(await Promise.all(figures)).join('')}`;
}

function classSection({ dataset: { classes, palette }, metrics }: Outcome): string {
  const rows = classes
    .map((name, label) => ({ name, label, iou: metrics.iou[label]! }))
    .sort((a, b) => worstFirst(a.iou) - worstFirst(b.iou))
    .map(
      ({ name, label, iou }) =>
        `<tr><th scope="row">${swatch(palette[label]!)}${escapeHtml(name)}</th><td class="number">${percent(iou)}</td>` +
        `<td class="number">${percent(metrics.classAccuracy[label]!)}</td>` +
        `<td class="number baseline">${percent(metrics.shares[label]!)}</td></tr>`,
    );
  return table(['Class, worst first', 'IoU', 'Accuracy', 'Share of pixels'], rows);
}

/** Those that were not measured come last. */
const worstFirst = (iou: number) => (Number.isNaN(iou) ? 2 : iou);

const swatch = (color: Color) =>
  `<span aria-hidden="true" style="display:inline-block;width:0.8em;height:0.8em;margin-right:0.5em;background:rgb(${color.join(' ')})"></span>`;
