/** Images of one class that were taken for another. */
export interface ConfusedPair {
  readonly label: number;
  readonly prediction: number;
  readonly images: number;
  /** Their share in the label's images, (0, 1]. */
  readonly share: number;
}

/**
 * The classes that are most often taken for others, by number of images; equal ones by label, then by prediction.
 *
 * @param confusion `confusion[label][prediction]`, as `classificationMetrics` gives it
 * @param count how many pairs at most; only pairs that occur are listed
 */
export function confusedPairs(confusion: readonly (readonly number[])[], count = 10): ConfusedPair[] {
  return confusion
    .flatMap((row, label) => {
      const total = row.reduce((sum, images) => sum + images, 0);
      return row.map((images, prediction) => ({ label, prediction, images, share: images / total }));
    })
    .filter(({ label, prediction, images }) => label !== prediction && images > 0)
    .sort((a, b) => b.images - a.images || a.label - b.label || a.prediction - b.prediction)
    .slice(0, count);
}
