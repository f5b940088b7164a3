import { xoshiro128 } from '../src/xoshiro128';

test('the first outputs from state 1, 2, 3, 4 are those of the published generator', () => {
  const next = xoshiro128(Int32Array.of(1, 2, 3, 4));
  // Computed by a C program with the published recurrence.
  expect(Array.from({ length: 10 }, next)).toEqual([
    11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
  ]);
});
