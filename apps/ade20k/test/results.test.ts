/** What is shown and written where some classes, or all, were not measured. */
import { countPixels, pixelCounts, segmentationMetrics } from '@beit/segmentation';
import { metricRows } from '../src/makeReport';
import { resultsOf } from '../src/results';

const CLASSES = ['ground', 'cat', 'dog'];

function measured(predictions: readonly number[], labels: readonly number[]) {
  const counts = pixelCounts(CLASSES.length);
  countPixels(counts, predictions, labels);
  return segmentationMetrics(counts);
}

test('without a labelled pixel nothing is measured, and nothing looks as if it was', () => {
  const metrics = measured([0, 1], [255, 255]);
  const rows = metricRows(metrics, CLASSES);
  expect(rows.map(({ value, baseline }) => [value, baseline])).toEqual(Array(3).fill(['n/a', undefined]));
  expect(JSON.stringify(rows)).not.toMatch(/NaN|Infinity|undefined/);
  const none = { ground: null, cat: null, dog: null };
  expect(resultsOf(metrics, CLASSES)).toEqual({
    mIoU: null,
    meanAccuracy: null,
    pixelAccuracy: null,
    iou: none,
    classAccuracy: none,
  });
});

test('a mean over some classes says over which', () => {
  // A cat where there is none: it counts for IoU and not for accuracy, as in mmsegmentation. No dog anywhere.
  const metrics = measured([0, 0, 0, 1], [0, 0, 0, 0]);
  const [iou, accuracy, pixels] = metricRows(metrics, CLASSES);
  expect([iou!.value, accuracy!.value, pixels!.value]).toEqual(['37.5 %', '75.0 %', '75.0 %']);
  expect(iou!.note).toBe(
    "baseline: 'ground' everywhere; a mean over 2 of 3 classes: no picture and no prediction has 'dog'",
  );
  expect(accuracy!.note).toBe('a mean over 1 of 3 classes: those that a picture has');
  expect(resultsOf(metrics, CLASSES)).toMatchObject({
    iou: { ground: 0.75, cat: 0, dog: null },
    classAccuracy: { ground: 0.75, cat: null, dog: null },
  });
});

test('of all classes, no words are lost', () => {
  const rows = metricRows(measured([0, 1, 2], [0, 1, 2]), CLASSES);
  expect(rows.map(({ note }) => note)).toEqual(["baseline: 'ground' everywhere", undefined, undefined]);
});
