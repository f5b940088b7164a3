import fc from 'fast-check';
import { countPixels, pixelCounts, segmentationMetrics } from '../src';

test('intersection over union, by hand', () => {
  const counts = pixelCounts(4);
  // Class 0: two pixels labelled, one hit, one given to 1. Class 2 occurs in predictions alone, class 3 nowhere.
  countPixels(counts, [0, 1, 1, 2, 3], [0, 0, 1, 1, 255]);
  const { iou, classAccuracy, pixelAccuracy, meanAccuracy, mIoU } = segmentationMetrics(counts);
  expect(iou).toEqual([1 / 2, 1 / 3, 0, Number.NaN]);
  expect(classAccuracy).toEqual([1 / 2, 1 / 2, Number.NaN, Number.NaN]);
  expect(pixelAccuracy).toBe(1 / 2);
  expect(meanAccuracy).toBe(1 / 2);
  expect(mIoU).toBeCloseTo((1 / 2 + 1 / 3) / 3, 12);
});

const pixel = fc.record({
  prediction: fc.integer({ min: 0, max: 4 }),
  label: fc.constantFrom(0, 1, 2, 3, 4, 255),
});

test('a set counted in parts is the set counted at once, in any order', () => {
  fc.assert(
    fc.property(fc.array(pixel, { minLength: 1 }), fc.nat(), (pixels, at) => {
      const count = (...parts: (typeof pixels)[]) => {
        const counts = pixelCounts(5);
        for (const part of parts) {
          countPixels(
            counts,
            part.map(({ prediction }) => prediction),
            part.map(({ label }) => label),
          );
        }
        return segmentationMetrics(counts);
      };
      const cut = at % (pixels.length + 1);
      expect(count(pixels.slice(cut), pixels.slice(0, cut))).toEqual(count(pixels));
    }),
    { seed: 1 },
  );
});

test('what is right everywhere has 1 everywhere', () => {
  const counts = pixelCounts(3);
  countPixels(counts, [0, 1, 2, 2], [0, 1, 2, 2]);
  expect(segmentationMetrics(counts).mIoU).toBe(1);
});

test('other sizes and values that are no class are refused', () => {
  expect(() => countPixels(pixelCounts(2), [0], [0, 1])).toThrow('1 predictions for 2 labels');
  expect(() => countPixels(pixelCounts(2), [0], [2])).toThrow('Pixel 0 is labelled 2');
  expect(() => countPixels(pixelCounts(2), [255], [0])).toThrow('predicted 255');
});
