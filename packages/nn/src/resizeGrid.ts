/** Keys' cubic convolution kernel; `a` says how far it reaches below zero. */
const cubic =
  (a: number) =>
  (x: number): number => {
    const t = Math.abs(x);
    if (t <= 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
    if (t < 2) return ((a * t - 5 * a) * t + 8 * a) * t - 4 * a;
    return 0;
  };
const triangle = (x: number): number => Math.max(0, 1 - Math.abs(x));

/** torch's cubic is another one with antialiasing, when enlarging too: Pillow's. */
const CUBIC = cubic(-0.75);
const ANTIALIASED_CUBIC = cubic(-0.5);

export interface ResizeGridOptions {
  readonly method: 'bicubic' | 'bilinear';
  /** Whether the corner values stay at the corners. Default false, as everywhere in BEiT. */
  readonly alignCorners?: boolean;
  /** Whether a smaller grid averages over all values of the larger one; not with `alignCorners`. Default false. */
  readonly antialias?: boolean;
}

/**
 * Row i holds the weights of the `from` values in the i-th of `to`. Beyond an edge the edge value counts; with `antialias`
 * nothing does, and the other weights are the larger.
 *
 * @throws RangeError for `antialias` with `alignCorners`
 */
export function resizeWeights(
  from: number,
  to: number,
  { method, alignCorners = false, antialias = false }: ResizeGridOptions,
): Float64Array[] {
  if (antialias) {
    if (alignCorners) throw new RangeError('antialias and alignCorners do not go together: leave one out.');
    return antialiasedWeights(from, to, method === 'bicubic' ? ANTIALIASED_CUBIC : triangle);
  }
  const [kernel, reach] = method === 'bicubic' ? [CUBIC, 2] : [triangle, 1];
  return Array.from({ length: to }, (_, i) => {
    const center = alignCorners
      ? to === 1
        ? 0
        : (i * (from - 1)) / (to - 1)
      : ((i + 0.5) * from) / to - 0.5;
    // torch clamps a bilinear centre, not a bicubic one; with an edge value repeated the two agree for the triangle.
    const weights = new Float64Array(from);
    for (let k = Math.floor(center) - reach + 1; k <= Math.floor(center) + reach; k++) {
      weights[Math.min(Math.max(k, 0), from - 1)]! += kernel(center - k);
    }
    return weights;
  });
}

/** The kernel is stretched to the new grid's cells where these are the larger ones. */
function antialiasedWeights(from: number, to: number, kernel: (x: number) => number): Float64Array[] {
  const stretch = Math.max(1, from / to);
  return Array.from({ length: to }, (_, i) => {
    const center = ((i + 0.5) * from) / to - 0.5;
    const weights = Float64Array.from({ length: from }, (_, k) => kernel((k - center) / stretch));
    const total = weights.reduce((sum, weight) => sum + weight, 0);
    return weights.map((weight) => weight / total);
  });
}

/**
 * A grid of vectors at another resolution, as torch.nn.functional.interpolate.
 *
 * @param grid `[rows, columns, width]`, row-major
 * @returns `[newRows, newColumns, width]`
 */
export function resizeGrid(
  grid: Float32Array,
  [rows, columns, width]: readonly [number, number, number],
  [newRows, newColumns]: readonly [number, number],
  options: ResizeGridOptions,
): Float32Array {
  const down = resizeWeights(rows, newRows, options);
  const across = resizeWeights(columns, newColumns, options);
  const half = new Float64Array(newRows * columns * width);
  for (let i = 0; i < newRows; i++) {
    down[i]!.forEach((weight, r) => {
      if (weight === 0) return;
      for (let k = 0; k < columns * width; k++)
        half[i * columns * width + k]! += weight * grid[r * columns * width + k]!;
    });
  }
  const result = new Float64Array(newRows * newColumns * width);
  for (let i = 0; i < newRows; i++) {
    for (let j = 0; j < newColumns; j++) {
      across[j]!.forEach((weight, c) => {
        if (weight === 0) return;
        for (let k = 0; k < width; k++)
          result[(i * newColumns + j) * width + k]! += weight * half[(i * columns + c) * width + k]!;
      });
    }
  }
  return Float32Array.from(result);
}
