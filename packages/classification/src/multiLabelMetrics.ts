import type { HostTensor } from '@beit/tensors';
import { assertLabels } from './assertLabels';
import { assertLogits } from './assertLogits';

/** How one class was found among images. NaN where no image has it. */
export interface LabelMetrics {
  /** Area under precision by recall, without interpolation, [0, 1]. */
  readonly averagePrecision: number;
  /** Harmonic mean of precision and recall at a probability of 0.5, [0, 1]. */
  readonly f1: number;
  /** Images that have it. */
  readonly images: number;
}

/** How a classifier of several labels did on a set of images. Shares are in [0, 1]; NaN where there is nothing to share. */
export interface MultiLabelMetrics {
  /** Mean of the average precisions of the classes that an image has. */
  readonly mAP: number;
  /** At a probability of 0.5, of all images and classes together. */
  readonly f1Micro: number;
  /** Mean of the classes that an image has. */
  readonly f1Macro: number;
  /** Share of images of which every class is rightly there or not, at a probability of 0.5. */
  readonly exactMatch: number;
  /** Over how many classes the means are. */
  readonly measuredClasses: number;
  readonly perClass: readonly LabelMetrics[];
}

/**
 * Metrics of predictions of several labels, as scikit-learn's `average_precision_score`, `f1_score` and `accuracy_score` give
 * them of probabilities, but for classes that no image has: these count for no mean.
 *
 * @param logits `[images, numClasses]`, each class by itself: its probability is the sigmoid
 * @param labels of each image its class indices
 * @throws RangeError when their numbers differ, a label is no class, or a logit is NaN
 */
export function multiLabelMetrics(
  logits: HostTensor,
  labels: readonly ArrayLike<number>[],
): MultiLabelMetrics {
  const { images, numClasses } = assertLogits(logits, labels.length);
  const present = new Uint8Array(images * numClasses);
  for (const [i, own] of labels.entries()) {
    assertLabels(own, numClasses);
    for (let j = 0; j < own.length; j++) present[i * numClasses + own[j]!] = 1;
  }
  const counts = Array.from({ length: numClasses }, () => ({ right: 0, predicted: 0, images: 0 }));
  let exact = 0;
  for (let i = 0; i < images; i++) {
    let isExact = true;
    for (const [label, count] of counts.entries()) {
      const at = i * numClasses + label;
      const isPredicted = logits.data[at]! >= 0;
      const isThere = present[at] === 1;
      if (isPredicted) count.predicted++;
      if (isThere) count.images++;
      if (isPredicted && isThere) count.right++;
      if (isPredicted !== isThere) isExact = false;
    }
    if (isExact) exact++;
  }
  const perClass = counts.map((count, label): LabelMetrics => {
    if (count.images === 0) return { averagePrecision: Number.NaN, f1: Number.NaN, images: 0 };
    const column = (values: ArrayLike<number>) =>
      Float32Array.from({ length: images }, (_, i) => values[i * numClasses + label]!);
    const averagePrecision = averagePrecisionOf(column(logits.data), column(present), count.images);
    return { averagePrecision, f1: f1(count), images: count.images };
  });
  const measured = perClass.filter(({ images }) => images > 0);
  const mean = (values: readonly number[]) => sum(values) / values.length;
  return {
    mAP: mean(measured.map(({ averagePrecision }) => averagePrecision)),
    f1Micro: f1({
      right: sum(counts.map(({ right }) => right)),
      predicted: sum(counts.map(({ predicted }) => predicted)),
      images: sum(counts.map(({ images }) => images)),
    }),
    f1Macro: mean(measured.map(({ f1 }) => f1)),
    exactMatch: exact / images,
    measuredClasses: measured.length,
    perClass,
  };
}

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

const f1 = ({ right, predicted, images }: { right: number; predicted: number; images: number }): number =>
  (2 * right) / (predicted + images);

/** Σ (recall - recall before) precision, over thresholds at each value that occurs: equal ones come in together. */
function averagePrecisionOf(scores: Float32Array, present: Float32Array, positives: number): number {
  const order = Uint32Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || 0);
  let [right, before, area] = [0, 0, 0];
  for (const [i, image] of order.entries()) {
    right += present[image]!;
    if (i + 1 < order.length && scores[order[i + 1]!] === scores[image]) continue;
    area += ((right - before) / positives) * (right / (i + 1));
    before = right;
  }
  return area;
}
