import { compareCurves, relativeDifferences, runningMeans } from '../src/experiments/compareCurves';

test('running means', () => {
  expect(runningMeans([1, 2, 3, 6], 2)).toEqual([1.5, 2.5, 4.5]);
  expect(() => runningMeans([1, 2], 3)).toThrow('A window of 3 over 2 values');
});
test('differences are relative to the size of the first, whatever its sign', () => {
  expect(relativeDifferences([2, -2], [3, -1])).toEqual([0.5, 0.5]);
  expect(() => relativeDifferences([1], [1, 2])).toThrow('1 and 2 steps');
});
test('the end, and the largest drift after the first window', () => {
  const result = compareCurves([8, 4, 4, 4], [80, 4, 6, 4], 2);
  expect(result).toEqual({ finalLossFp32: 4, finalLossBf16: 5, relativeDifference: 0.25, maxDrift: 0.25 });
  expect(() => compareCurves([1, 2], [1, 2], 2)).toThrow('no more than one window');
});
