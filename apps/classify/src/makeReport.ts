import { classCounts } from '@beit/classification';
import { createLoader, type ImageSource, subset } from '@beit/data';
import {
  escapeHtml,
  evenlySpread,
  figure,
  filesSection,
  formatSeconds,
  nextSection,
  type Picture,
  pictureOf,
  type RunOutcome,
  recipeSection,
  renderPage,
  runFacts,
  type SummaryRow,
  summaryTable,
  table,
  trainingSection,
} from '@beit/report';
import { confusionChart } from './confusionChart';
import type { Dataset } from './dataset';
import { type Evaluated, mostLikely, softmax } from './evaluation';
import type { FinetuneRecipe } from './recipe';
import { plainView, preprocessingOf } from './views';

export interface Outcome extends RunOutcome {
  readonly recipe: FinetuneRecipe;
  readonly dataset: Dataset;
  readonly evaluated: Evaluated;
  readonly best: { readonly step: number; readonly value: number } | undefined;
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[];
}

const percent = (x: number) => (Number.isNaN(x) ? 'n/a' : `${(100 * x).toFixed(1)} %`);

/** How a classifier did, beside what needs no model. @param of.known labels of images that one may know beforehand */
export function metricRows(
  { metrics, labels }: Evaluated,
  { classes, known }: { readonly classes: readonly string[]; readonly known: Int32Array },
): SummaryRow[] {
  const counts = classCounts(known, classes.length);
  const mostFrequent = counts.indexOf(Math.max(...counts));
  const share = classCounts(labels, classes.length)[mostFrequent]! / labels.length;
  return [
    {
      label: 'Top-1 accuracy',
      value: percent(metrics.top1),
      baseline: percent(share),
      note: `of ${labels.length} images; baseline: always answering '${classes[mostFrequent]}'`,
    },
    {
      label: 'Top-5 accuracy',
      value: percent(metrics.top5),
      baseline: percent(Math.min(1, 5 / classes.length)),
      note: 'baseline: five classes at random',
    },
    {
      label: 'Mean accuracy of the classes',
      value: percent(metrics.meanClassAccuracy),
      baseline: percent(1 / classes.length),
      note: 'every class counts alike; baseline: chance',
    },
  ];
}

/** The essentials, as shown in the terminal and on top of the page. */
export const summaryOf = ({ evaluated, dataset, best, seconds }: Outcome): SummaryRow[] => [
  ...metricRows(evaluated, { classes: dataset.classes, known: dataset.train.labels }),
  ...(best
    ? [
        {
          label: 'Best top-1 on the way',
          value: percent(best.value),
          note: 'chosen on these very images, so a little too good: model-best.safetensors',
        },
      ]
    : []),
  { label: 'Time', value: formatSeconds(seconds) },
];

/** The page of a fine-tuning run. */
export async function makeReport(outcome: Outcome): Promise<string> {
  const { recipe, out, dataset, evaluated } = outcome;
  return renderPage({
    title: `Classification: ${recipe.name}`,
    facts: runFacts(outcome),
    sections: [
      {
        id: 'results',
        title: 'Results',
        body: summaryTable(summaryOf(outcome), ['On validation images', 'This run', 'Trivial answer', '']),
      },
      { id: 'pictures', title: 'Validation pictures', body: await pictureSection(outcome) },
      await trainingSection(outcome, { name: 'fine-tuning', title: 'Fine-tuning' }),
      { id: 'classes', title: 'Classes', body: classSection(outcome) },
      {
        id: 'confusion',
        title: 'Confusions',
        body: confusionSection(evaluated.metrics.confusion, dataset.classes),
      },
      filesSection(dataset.notes, outcome.unreadable),
      nextSection([
        {
          text: 'What is in another image:',
          command: `pnpm --filter classify start -- predict --model ${out} IMAGE`,
        },
        {
          text: 'A model for the web:',
          command: `pnpm --filter classify start -- export --model ${out} --out web-model`,
        },
      ]),
      recipeSection(recipe),
    ],
  });
}

function classSection({ dataset, evaluated }: Outcome): string {
  const { classes, train, validation } = dataset;
  const trained = classCounts(train.labels, classes.length);
  const validated = classCounts(validation.labels, classes.length);
  const { perClass, confusion } = evaluated.metrics;
  const rows = classes
    .map((name, label) => ({ name, label, accuracy: perClass[label]! }))
    .sort((a, b) => (a.accuracy || 0) - (b.accuracy || 0))
    .map(({ name, label, accuracy }) => {
      const wrong = confusion[label]!.map((count, other) => ({ count, other })).filter(
        ({ count, other }) => count > 0 && other !== label,
      );
      const taken = wrong
        .sort((a, b) => b.count - a.count)
        .slice(0, 3)
        .map(({ count, other }) => `${classes[other]} (${count})`);
      return (
        `<tr><th scope="row">${escapeHtml(name)}</th><td class="number">${percent(accuracy)}</td>` +
        `<td class="number baseline">${validated[label]}</td><td class="number baseline">${trained[label]}</td>` +
        `<td class="note">${escapeHtml(taken.join(', '))}</td></tr>`
      );
    });
  return table(['Class, worst first', 'Top-1', 'Validation images', 'Training images', 'Taken for'], rows);
}

function confusionSection(confusion: readonly (readonly number[])[], classes: readonly string[]): string {
  return `<figure class="wide">${confusionChart('confusion-matrix', confusion, classes)}</figure>`;
}

const PICTURES = 12;

/** Some validation images with what the model says of them; half of them where it is wrong, if there are as many. */
async function pictureSection({ dataset, evaluated, recipe }: Outcome): Promise<string> {
  const { logits, indices, labels } = evaluated;
  const { source } = dataset.validation;
  const numClasses = dataset.classes.length;
  const all = indices.map((index, i) => {
    const label = labels[i]!;
    const probabilities = softmax(logits.data.subarray(i * numClasses, (i + 1) * numClasses));
    const best = mostLikely(probabilities);
    return { index, label, best, share: probabilities[best]! };
  });
  const spread = <T>(list: readonly T[], wanted: number) =>
    evenlySpread(wanted, list.length).map((i) => list[i]!);
  const wrong = spread(
    all.filter(({ label, best }) => label !== best),
    PICTURES / 2,
  );
  const right = spread(
    all.filter(({ label, best }) => label === best),
    PICTURES - wrong.length,
  );
  const chosen = [...right, ...wrong];
  const pictures = await picturesOf(
    subset(
      source,
      chosen.map(({ index }) => index),
    ),
    recipe,
  );
  const figures = chosen.map(({ index, label, best, share }, i) => {
    const name = dataset.title(source.names.at(index)!);
    const said = `${dataset.classes[best]}, ${percent(share)}`;
    const caption = label === best ? `${name}: ${said}` : `${name}: ${said}; it is ${dataset.classes[label]}`;
    return figure(pictures[i]!, caption, caption);
  });
  return `<p class="soft">What the model says, right above wrong.</p><div class="answers">${(await Promise.all(figures)).join('')}</div>`;
}

/** The images as the model sees them, in colours again. */
async function picturesOf(
  source: ImageSource,
  recipe: Pick<FinetuneRecipe, 'model' | 'views'>,
): Promise<Picture[]> {
  const views = plainView(recipe.model, preprocessingOf(recipe));
  const loader = createLoader({
    source,
    batchSize: source.names.length,
    seed: 0,
    views,
    shuffle: false,
    workers: 0,
  });
  const { images } = await loader.batch(0);
  await loader.close();
  return Array.from(source.names, (_, i) => pictureOf(images, i, views.normalization));
}
