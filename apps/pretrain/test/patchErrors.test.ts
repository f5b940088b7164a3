import { decibels, patchErrors } from '../src/targets/patchErrors';

// 2 x 4 pixels in one row of two patches; each patch of one colour.
const picture = (left: readonly number[], right: readonly number[]) => ({
  width: 4,
  height: 2,
  data: Float32Array.from([0, 1].flatMap(() => [left, left, right, right].flat())),
});
const close = (x: number) => expect.closeTo(x, 6);

test('only masked patches count, against the mean colour of the visible ones', () => {
  const actual = picture([1, 0, 0.5], [0.5, 0.5, 0.5]);
  const predicted = picture([9, 9, 9], [0.5, 0.5, 0.8]);
  expect(patchErrors(actual, predicted, Uint8Array.of(0, 1), [1, 2])).toEqual([
    { patch: 1, mse: close(0.09 / 3), meanColorMse: close(0.5 / 3) },
  ]);
});
test('patches are counted row by row', () => {
  const actual = { width: 2, height: 2, data: new Float32Array(12) };
  const predicted = { ...actual, data: Float32Array.from({ length: 12 }, (_, i) => Math.floor(i / 3)) };
  const errors = patchErrors(actual, predicted, Uint8Array.of(1, 1, 0, 1), [2, 2]);
  expect(errors.map(({ patch, mse }) => [patch, mse])).toEqual([
    [0, 0],
    [1, 1],
    [3, close(9)],
  ]);
});
test('decibels', () => {
  expect(decibels(0.001)).toBeCloseTo(30, 9);
});
