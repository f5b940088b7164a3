import type { Fixture, Measurement } from '@beit/parity';
import { countPixels, pixelCounts, segmentationMetrics } from '@beit/segmentation';

/** Metrics of a set of images. */
export function segmentationMetricsParity(fixture: Fixture): Measurement[] {
  const counts = pixelCounts(Number(fixture.meta<number>('numClasses')));
  const labels = fixture.tensor('input.labels');
  const predictions = fixture.tensor('input.prediction');
  const pixels = labels.shape[1]! * labels.shape[2]!;
  for (let image = 0; image < labels.shape[0]!; image++) {
    const own = [image * pixels, (image + 1) * pixels] as const;
    countPixels(counts, predictions.data.subarray(...own), labels.data.subarray(...own));
  }
  const metrics = segmentationMetrics(counts);
  const largest = (actual: readonly number[], name: string) => {
    const expected = fixture.tensor(`output.${name}`).data;
    // NaN stands for the same on both sides.
    return Math.max(
      ...actual.map((x, i) =>
        Number.isNaN(x) && Number.isNaN(expected[i]) ? 0 : Math.abs(x - expected[i]!),
      ),
    );
  };
  return [
    { group: 'IoU of each class', error: largest(metrics.iou, 'iou') },
    { group: 'accuracy of each class', error: largest(metrics.classAccuracy, 'acc') },
    {
      group: 'aAcc, mAcc, mIoU',
      error: Math.max(
        largest([metrics.pixelAccuracy], 'aAcc'),
        largest([metrics.meanAccuracy], 'mAcc'),
        largest([metrics.mIoU], 'mIoU'),
      ),
    },
  ];
}
