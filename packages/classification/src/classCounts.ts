import { assertLabels } from './assertLabels';

/**
 * Numbers of images per class, `[numClasses]`.
 *
 * @param labels class indices, `[images]`
 * @throws RangeError for a label that is no class
 */
export function classCounts(labels: ArrayLike<number>, numClasses: number): number[] {
  assertLabels(labels, numClasses);
  const counts = new Array<number>(numClasses).fill(0);
  for (let i = 0; i < labels.length; i++) counts[labels[i]!]!++;
  return counts;
}

/** How unevenly images are spread over classes. NaN where there are no images. */
export interface Imbalance {
  /** Images of the largest class for one of the smallest, 1 or larger; Infinity when a class has none. */
  readonly ratio: number;
  /** Share of the largest class, (0, 1]: the top-1 of always answering it, which a classifier has to beat. */
  readonly largestShare: number;
}

/** @param counts numbers of images per class; see `classCounts` */
export function imbalance(counts: readonly number[]): Imbalance {
  const images = counts.reduce((sum, count) => sum + count, 0);
  const largest = counts.reduce((most, count) => Math.max(most, count), 0);
  const smallest = counts.reduce((least, count) => Math.min(least, count), largest);
  return { ratio: largest / smallest, largestShare: largest / images };
}
