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
import {
  type Evaluated,
  type EvaluatedMulti,
  type EvaluatedSingle,
  likely,
  mostLikely,
  softmax,
} from './evaluation';
import { countsOf } from './labels';
import { metricRows, percent } from './metricRows';
import type { FinetuneRecipe } from './recipe';
import { mainMetric } from './scores';
import { plainView, preprocessingOf } from './views';

export interface Outcome extends RunOutcome {
  readonly recipe: FinetuneRecipe;
  readonly dataset: Dataset;
  readonly evaluated: Evaluated;
  readonly best: { readonly step: number; readonly value: number } | undefined;
  readonly unreadable: readonly { readonly name: string; readonly reason: string }[];
}

/** The essentials, as shown in the terminal and on top of the page. */
export const summaryOf = ({ evaluated, dataset, best, seconds }: Outcome): SummaryRow[] => [
  ...metricRows(evaluated, { classes: dataset.classes, known: dataset.train.labels }),
  ...(best
    ? [
        {
          label: `Best ${mainMetric(dataset).title} on the way`,
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
      ...(evaluated.multiLabel
        ? []
        : [
            {
              id: 'confusion',
              title: 'Confusions',
              body: confusionSection(evaluated.metrics.confusion, dataset.classes),
            },
          ]),
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

const classSection = ({ dataset, evaluated }: Outcome): string =>
  evaluated.multiLabel ? labelTable(dataset, evaluated) : classTable(dataset, evaluated);

/** Classes with their average precision, those that no image has last. */
function labelTable({ classes, train }: Dataset, { metrics, labels }: EvaluatedMulti): string {
  const trained = countsOf(train.labels, classes.length);
  const rows = metrics.perClass
    .map((own, label) => ({ ...own, name: classes[label]!, trained: trained[label]! }))
    .sort((a, b) => (a.images === 0 ? 1 : b.images === 0 ? -1 : a.averagePrecision - b.averagePrecision))
    .map(
      ({ name, averagePrecision, f1, images, trained }) =>
        `<tr><th scope="row">${escapeHtml(name)}</th><td class="number">${percent(averagePrecision)}</td>` +
        `<td class="number baseline">${percent(images / labels.length)}</td><td class="number">${percent(f1)}</td>` +
        `<td class="number baseline">${images}</td><td class="number baseline">${trained}</td></tr>`,
    );
  const head = ['Class, worst first', 'AP', 'Share of images', 'F1', 'Validation images', 'Training images'];
  return table(head, rows);
}

function classTable(dataset: Dataset, evaluated: EvaluatedSingle): string {
  const { classes, train, validation } = dataset;
  const trained = countsOf(train.labels, classes.length);
  const validated = countsOf(validation.labels, classes.length);
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

/** What a model says of an image, and what is so. */
interface Answer {
  readonly index: number;
  readonly isRight: boolean;
  readonly said: string;
  readonly truth: string;
}

function answersOf({ classes }: Dataset, evaluated: Evaluated): Answer[] {
  const { logits, indices } = evaluated;
  const rowOf = (i: number) => logits.data.subarray(i * classes.length, (i + 1) * classes.length);
  if (evaluated.multiLabel) {
    const named = (labels: readonly number[]) => labels.map((label) => classes[label]!).join(', ') || 'none';
    return indices.map((index, i) => {
      const [said, truth] = [named(likely(rowOf(i))), named(evaluated.labels[i]!)];
      return { index, isRight: said === truth, said, truth };
    });
  }
  return indices.map((index, i) => {
    const label = evaluated.labels[i]!;
    const probabilities = softmax(rowOf(i));
    const best = mostLikely(probabilities);
    const said = `${classes[best]}, ${percent(probabilities[best]!)}`;
    return { index, isRight: label === best, said, truth: classes[label]! };
  });
}

/** Some validation images with what the model says of them; half of them where it is wrong, if there are as many. */
async function pictureSection({ dataset, evaluated, recipe }: Outcome): Promise<string> {
  const { source } = dataset.validation;
  const all = answersOf(dataset, evaluated);
  const spread = <T>(list: readonly T[], wanted: number) =>
    evenlySpread(wanted, list.length).map((i) => list[i]!);
  const wrong = spread(
    all.filter(({ isRight }) => !isRight),
    PICTURES / 2,
  );
  const right = spread(
    all.filter(({ isRight }) => isRight),
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
  const figures = chosen.map(({ index, isRight, said, truth }, i) => {
    const name = dataset.title(source.names.at(index)!);
    const caption = isRight ? `${name}: ${said}` : `${name}: ${said}; it is ${truth}`;
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
