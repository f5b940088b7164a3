/**
 * What each value of a function at `knots` contributes to its interpolating cubic spline at `points`: row i holds the
 * weights for point i. The spline's third derivative is continuous at the second and the last but one knot
 * ("not-a-knot"), as SciPy's. Points beyond the ends take the value at the end.
 *
 * @param knots increasing, at least 4
 */
export function splineWeights(knots: readonly number[], points: readonly number[]): Float64Array[] {
  const n = knots.length;
  if (n < 4) throw new RangeError(`A cubic spline needs at least 4 knots; got ${n}.`);
  const curvature = secondDerivatives(knots);
  return points.map((point) => {
    const p = Math.min(Math.max(point, knots[0]!), knots.at(-1)!);
    let i = 0;
    while (i < n - 2 && p > knots[i + 1]!) i++;
    const h = knots[i + 1]! - knots[i]!;
    const [a, b] = [(knots[i + 1]! - p) / h, (p - knots[i]!) / h];
    const [left, right] = [curvature[i]!, curvature[i + 1]!];
    return Float64Array.from(knots, (_, k) => {
      const linear = a * Number(k === i) + b * Number(k === i + 1);
      return linear + (((a ** 3 - a) * left[k]! + (b ** 3 - b) * right[k]!) * h * h) / 6;
    });
  });
}

/**
 * The same by straight lines between the values.
 *
 * @param knots increasing, at least 1
 */
export function linearWeights(knots: readonly number[], points: readonly number[]): Float64Array[] {
  return points.map((point) => {
    const p = Math.min(Math.max(point, knots[0]!), knots.at(-1)!);
    return Float64Array.from(knots, (knot, k) => {
      const neighbour = p < knot ? knots[k - 1] : knots[k + 1];
      if (neighbour === undefined || p === knot) return Number(p === knot);
      return Math.max(0, 1 - Math.abs(p - knot) / Math.abs(neighbour - knot));
    });
  });
}

/** What each value contributes to the spline's second derivative at each knot: row i holds the weights for knot i. */
function secondDerivatives(x: readonly number[]): number[][] {
  const n = x.length;
  const h = (i: number) => x[i + 1]! - x[i]!;
  const zeros = () => Array.from({ length: n }, () => new Array<number>(n).fill(0));
  // h0 M0 + 2 (h0 + h1) M1 + h1 M2 = 6 (slope1 - slope0), with slope0 = (y1 - y0) / h0.
  const [ofDerivatives, ofValues] = [zeros(), zeros()];
  for (let i = 1; i < n - 1; i++) {
    const [before, after] = [h(i - 1), h(i)];
    ofDerivatives[i]!.splice(i - 1, 3, before, 2 * (before + after), after);
    ofValues[i]!.splice(i - 1, 3, 6 * (1 / before), 6 * (-1 / after - 1 / before), 6 * (1 / after));
  }
  // (M1 - M0) / h0 = (M2 - M1) / h1, and likewise at the other end.
  ofDerivatives[0]!.splice(0, 3, h(1), -(h(0) + h(1)), h(0));
  const [a, b] = [h(n - 3), h(n - 2)];
  ofDerivatives[n - 1]!.splice(n - 3, 3, b, -(a + b), a);
  return solve(ofDerivatives, ofValues);
}

/** X of `matrix` X = `right`, by Gaussian elimination with pivoting, once for all columns; both are written over. */
function solve(matrix: number[][], right: number[][]): number[][] {
  const n = matrix.length;
  const subtract = (from: number[], factor: number, row: readonly number[]) => {
    row.forEach((value, c) => {
      from[c]! -= factor * value;
    });
  };
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let r = column + 1; r < n; r++)
      if (Math.abs(matrix[r]![column]!) > Math.abs(matrix[pivot]![column]!)) pivot = r;
    for (const rows of [matrix, right]) [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let r = column + 1; r < n; r++) {
      const factor = matrix[r]![column]! / matrix[column]![column]!;
      if (factor === 0) continue;
      for (const rows of [matrix, right]) subtract(rows[r]!, factor, rows[column]!);
    }
  }
  for (let r = n - 1; r >= 0; r--) {
    for (let c = r + 1; c < n; c++) {
      if (matrix[r]![c] !== 0) subtract(right[r]!, matrix[r]![c]!, right[c]!);
    }
    right[r] = right[r]!.map((value) => value / matrix[r]![r]!);
  }
  return right;
}
