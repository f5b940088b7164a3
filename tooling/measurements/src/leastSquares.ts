export interface Point {
  readonly x: number;
  readonly y: number;
}

/** The straight line y = intercept + slope x that lies nearest to the points, and how near. */
export interface Line {
  readonly intercept: number;
  readonly slope: number;
  /** Share of the variance of y that the line explains. */
  readonly rSquared: number;
  /** Largest distance of a point from the line, relative to the line. */
  readonly largestDeviation: number;
}

/**
 * Least squares of relative errors: times span a factor of ten or more, and are measured to a share of themselves.
 *
 * @param points at least two, of different x, y above 0
 */
export function leastSquares(points: readonly Point[]): Line {
  const sum = (f: (point: Point) => number) => points.reduce((total, point) => total + f(point), 0);
  const [w, wx, wxx, wy, wxy] = [
    sum(({ y }) => y ** -2),
    sum(({ x, y }) => x / y ** 2),
    sum(({ x, y }) => (x / y) ** 2),
    sum(({ y }) => 1 / y),
    sum(({ x, y }) => x / y),
  ];
  const determinant = w * wxx - wx ** 2;
  const slope = (w * wxy - wx * wy) / determinant;
  const intercept = (wxx * wy - wx * wxy) / determinant;
  const at = (x: number) => intercept + slope * x;
  const mean = sum(({ y }) => y) / points.length;
  return {
    intercept,
    slope,
    rSquared: 1 - sum(({ x, y }) => (y - at(x)) ** 2) / sum(({ y }) => (y - mean) ** 2),
    largestDeviation: Math.max(...points.map(({ x, y }) => Math.abs(y / at(x) - 1))),
  };
}
