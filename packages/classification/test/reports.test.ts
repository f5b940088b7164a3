import type { HostTensor } from '@beit/tensors';
import { classCounts, classificationMetrics, confusedPairs, imbalance } from '../src';

test('the most confused classes come first, those never confused not at all', () => {
  const confusion = [
    [8, 2, 0],
    [3, 0, 3],
    [0, 3, 0],
  ];
  expect(confusedPairs(confusion)).toEqual([
    { label: 1, prediction: 0, images: 3, share: 0.5 },
    { label: 1, prediction: 2, images: 3, share: 0.5 },
    { label: 2, prediction: 1, images: 3, share: 1 },
    { label: 0, prediction: 1, images: 2, share: 0.2 },
  ]);
  expect(confusedPairs(confusion, 1)).toHaveLength(1);
  expect(
    confusedPairs([
      [4, 0],
      [0, 0],
    ]),
  ).toEqual([]);
});

test('classes are counted, and how uneven they are', () => {
  expect(classCounts([2, 0, 2, 2], 4)).toEqual([1, 0, 3, 0]);
  expect(imbalance([1, 2, 3])).toEqual({ ratio: 3, largestShare: 0.5 });
  expect(imbalance([1, 0, 3]).ratio).toBe(Number.POSITIVE_INFINITY);
  expect(imbalance([5, 5])).toEqual({ ratio: 1, largestShare: 0.5 });
  expect(imbalance([0, 0])).toEqual({ ratio: Number.NaN, largestShare: Number.NaN });
  expect(() => classCounts([4], 4)).toThrow('Label 0 is 4; expected a class from 0 to 3.');
});

test('metrics refuse a label that is no class', () => {
  const logits: HostTensor = { dtype: 'float32', shape: [1, 2], data: Float32Array.of(0, 1) };
  expect(() => classificationMetrics(logits, [2])).toThrow('Label 0 is 2; expected a class from 0 to 1.');
});
