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
  const columns = Array.from({ length: n }, (_, k) => {
    const values = knots.map((_knot, i) => (i === k ? 1 : 0));
    return evaluate(knots, values, secondDerivatives(knots, values), points);
  });
  return points.map((_, i) => Float64Array.from(columns, (column) => column[i]!));
}

/** Second derivatives at the knots. */
function secondDerivatives(x: readonly number[], y: readonly number[]): number[] {
  const n = x.length;
  const h = (i: number) => x[i + 1]! - x[i]!;
  const slope = (i: number) => (y[i + 1]! - y[i]!) / h(i);
  const rows = Array.from({ length: n }, () => new Array<number>(n + 1).fill(0));
  for (let i = 1; i < n - 1; i++) {
    rows[i]![i - 1] = h(i - 1);
    rows[i]![i] = 2 * (h(i - 1) + h(i));
    rows[i]![i + 1] = h(i);
    rows[i]![n] = 6 * (slope(i) - slope(i - 1));
  }
  // (M1 - M0) / h0 = (M2 - M1) / h1, and likewise at the other end.
  [rows[0]![0], rows[0]![1], rows[0]![2]] = [h(1), -(h(0) + h(1)), h(0)];
  const [a, b] = [h(n - 3), h(n - 2)];
  [rows[n - 1]![n - 3], rows[n - 1]![n - 2], rows[n - 1]![n - 1]] = [b, -(a + b), a];
  return solve(rows);
}

/** Gaussian elimination with pivoting of an augmented matrix. */
function solve(rows: number[][]): number[] {
  const n = rows.length;
  for (let column = 0; column < n; column++) {
    let pivot = column;
    for (let r = column + 1; r < n; r++)
      if (Math.abs(rows[r]![column]!) > Math.abs(rows[pivot]![column]!)) pivot = r;
    [rows[column], rows[pivot]] = [rows[pivot]!, rows[column]!];
    for (let r = column + 1; r < n; r++) {
      const factor = rows[r]![column]! / rows[column]![column]!;
      if (factor === 0) continue;
      for (let c = column; c <= n; c++) rows[r]![c]! -= factor * rows[column]![c]!;
    }
  }
  const result = new Array<number>(n).fill(0);
  for (let r = n - 1; r >= 0; r--) {
    let sum = rows[r]![n]!;
    for (let c = r + 1; c < n; c++) sum -= rows[r]![c]! * result[c]!;
    result[r] = sum / rows[r]![r]!;
  }
  return result;
}

function evaluate(
  x: readonly number[],
  y: readonly number[],
  m: readonly number[],
  points: readonly number[],
): number[] {
  const last = x.length - 2;
  return points.map((point) => {
    const p = Math.min(Math.max(point, x[0]!), x.at(-1)!);
    let i = 0;
    while (i < last && p > x[i + 1]!) i++;
    const h = x[i + 1]! - x[i]!;
    const [a, b] = [(x[i + 1]! - p) / h, (p - x[i]!) / h];
    return a * y[i]! + b * y[i + 1]! + (((a ** 3 - a) * m[i]! + (b ** 3 - b) * m[i + 1]!) * h * h) / 6;
  });
}
