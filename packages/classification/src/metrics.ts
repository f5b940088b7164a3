import type { HostTensor } from '@beit/tensors';
import { assertLabels } from './assertLabels';
import { assertLogits } from './assertLogits';

/** How a classifier did on a set of images. Shares are in [0, 1]; NaN where there is nothing to share. */
export interface ClassificationMetrics {
  /** Share of images whose label is the most likely class. */
  readonly top1: number;
  /** ... is among the five most likely. */
  readonly top5: number;
  /** Top-1 of each class's own images; NaN for a class without any. */
  readonly perClass: readonly number[];
  /** Mean of `perClass` over the classes that occur. */
  readonly meanClassAccuracy: number;
  /** `confusion[label][prediction]`: numbers of images. */
  readonly confusion: readonly (readonly number[])[];
}

/**
 * Metrics of predictions.
 *
 * @param logits `[images, numClasses]`
 * @param labels class indices, `[images]`
 * @throws RangeError when their numbers differ, a label is no class, or a logit is NaN, which no class would win by
 */
export function classificationMetrics(logits: HostTensor, labels: ArrayLike<number>): ClassificationMetrics {
  const { images, numClasses } = assertLogits(logits, labels.length);
  assertLabels(labels, numClasses);
  const confusion = Array.from({ length: numClasses }, () => new Array<number>(numClasses).fill(0));
  let inFirstFive = 0;
  for (let i = 0; i < images; i++) {
    const row = logits.data.subarray(i * numClasses, (i + 1) * numClasses);
    const label = labels[i]!;
    confusion[label]![indexOfLargest(row)]!++;
    if (rankOf(row, label) < 5) inFirstFive++;
  }
  const perClass = confusion.map((row, label) => row[label]! / row.reduce((sum, n) => sum + n, 0));
  const occurring = perClass.filter((share) => !Number.isNaN(share));
  return {
    top1: confusion.reduce((sum, row, label) => sum + row[label]!, 0) / images,
    top5: inFirstFive / images,
    perClass,
    meanClassAccuracy: occurring.reduce((sum, share) => sum + share, 0) / occurring.length,
    confusion,
  };
}

/** The index of the largest number; of equal ones, the first. */
const indexOfLargest = (row: ArrayLike<number>): number => {
  let best = 0;
  for (let j = 1; j < row.length; j++) if (row[j]! > row[best]!) best = j;
  return best;
};

/** How many classes come before `label`, by logit and then by index. */
function rankOf(row: ArrayLike<number>, label: number): number {
  const own = row[label]!;
  let before = 0;
  for (let j = 0; j < row.length; j++) if (row[j]! > own || (row[j] === own && j < label)) before++;
  return before;
}
