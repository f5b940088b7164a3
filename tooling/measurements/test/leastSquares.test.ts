import { leastSquares } from '../src';

test('a line through points of a line', () => {
  const line = leastSquares([1, 2, 5, 9].map((x) => ({ x, y: 0.5 + 2 * x })));
  expect(line.intercept).toBeCloseTo(0.5, 10);
  expect(line.slope).toBeCloseTo(2, 10);
  expect(line.rSquared).toBeCloseTo(1, 10);
  expect(line.largestDeviation).toBeCloseTo(0, 10);
});

test('a curve is told from a line', () => {
  const line = leastSquares([1, 2, 4, 8, 16].map((x) => ({ x, y: x ** 2 })));
  expect(line.rSquared).toBeLessThan(0.9);
  expect(line.largestDeviation).toBeGreaterThan(0.2);
});

test('no other line has smaller relative errors', () => {
  const points = [3, 1, 4, 1.5, 9, 2.6].map((y, x) => ({ x, y }));
  const { intercept, slope } = leastSquares(points);
  const error = (a: number, b: number) =>
    points.reduce((sum, { x, y }) => sum + ((a + b * x) / y - 1) ** 2, 0);
  for (const [da, db] of [
    [1e-3, 0],
    [-1e-3, 0],
    [0, 1e-3],
    [0, -1e-3],
  ] as const) {
    expect(error(intercept + da, slope + db)).toBeGreaterThan(error(intercept, slope));
  }
});
