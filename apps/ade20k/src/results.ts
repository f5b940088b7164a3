import type { SegmentationMetrics } from '@beit/segmentation';

/** Metrics with names of classes; null where a class occurs nowhere. */
export function resultsOf(
  { mIoU, meanAccuracy, pixelAccuracy, iou, classAccuracy }: SegmentationMetrics,
  classes: readonly string[],
) {
  const named = (values: readonly number[]) =>
    Object.fromEntries(
      classes.map((name, label) => [name, Number.isNaN(values[label]) ? null : values[label]!]),
    );
  return { mIoU, meanAccuracy, pixelAccuracy, iou: named(iou), classAccuracy: named(classAccuracy) };
}
