import type { SegmentationMetrics } from '@beit/segmentation';

/** Metrics with names of classes; null where nothing says how large one is, as of a class that occurs nowhere. */
export function resultsOf(
  { mIoU, meanAccuracy, pixelAccuracy, iou, classAccuracy }: SegmentationMetrics,
  classes: readonly string[],
) {
  const known = (value: number) => (Number.isNaN(value) ? null : value);
  const named = (values: readonly number[]) =>
    Object.fromEntries(classes.map((name, label) => [name, known(values[label]!)]));
  return {
    mIoU: known(mIoU),
    meanAccuracy: known(meanAccuracy),
    pixelAccuracy: known(pixelAccuracy),
    iou: named(iou),
    classAccuracy: named(classAccuracy),
  };
}
