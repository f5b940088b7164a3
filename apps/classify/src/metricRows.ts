import type { SummaryRow } from '@beit/report';
import type { Evaluated, EvaluatedMulti, EvaluatedSingle } from './evaluation';
import { countsOf, type Labels } from './labels';

/** A share for people. */
export const percent = (x: number) => (Number.isNaN(x) ? 'n/a' : `${(100 * x).toFixed(1)} %`);

/** What a classifier is measured against. */
interface Known {
  readonly classes: readonly string[];
  /** Labels of images that one may know beforehand. */
  readonly known: Labels;
}

/** How a classifier did, beside what needs no model. */
export const metricRows = (evaluated: Evaluated, known: Known): SummaryRow[] =>
  evaluated.multiLabel ? multiLabelRows(evaluated, known) : singleLabelRows(evaluated, known);

function singleLabelRows({ metrics, labels }: EvaluatedSingle, { classes, known }: Known): SummaryRow[] {
  const counts = countsOf(known, classes.length);
  const mostFrequent = counts.indexOf(Math.max(...counts));
  const share = countsOf(labels, classes.length)[mostFrequent]! / labels.length;
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

function multiLabelRows({ metrics, labels }: EvaluatedMulti, { classes, known }: Known): SummaryRow[] {
  const count = countsOf(known, classes.length);
  /** Classes that at least half of the known images have: what one answers who has seen no image. */
  const usual = count.flatMap((images, label) => (2 * images >= known.length ? [label] : []));
  const isUsual = new Set(usual);
  const answered = metrics.perClass.map(({ images }, label) => {
    const isAnswered = isUsual.has(label);
    return { images, predicted: isAnswered ? labels.length : 0, right: isAnswered ? images : 0 };
  });
  const f1 = (counts: typeof answered) => {
    const sum = (of: (count: (typeof answered)[number]) => number) => counts.reduce((a, b) => a + of(b), 0);
    return (2 * sum(({ right }) => right)) / sum(({ images, predicted }) => images + predicted);
  };
  const measured = answered.filter(({ images }) => images > 0);
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const over =
    metrics.measuredClasses === classes.length
      ? `${classes.length} classes`
      : `the ${metrics.measuredClasses} of ${classes.length} classes that an image has`;
  return [
    {
      label: 'mAP',
      value: percent(metrics.mAP),
      baseline: percent(mean(measured.map(({ images }) => images / labels.length))),
      note: `mean over ${over}, of ${labels.length} images; baseline: any order, the share of images`,
    },
    {
      label: 'F1, micro',
      value: percent(metrics.f1Micro),
      baseline: percent(f1(answered)),
      note: 'at a probability of 0.5; baseline: always the classes that half of the images have',
    },
    {
      label: 'F1, macro',
      value: percent(metrics.f1Macro),
      baseline: percent(mean(measured.map((count) => f1([count])))),
      note: `mean over ${over}`,
    },
    {
      label: 'Exact matches',
      value: percent(metrics.exactMatch),
      baseline: percent(labels.filter((own) => own.join() === usual.join()).length / labels.length),
      note: 'every class of an image is right',
    },
  ];
}
