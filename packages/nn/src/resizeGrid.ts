/** How far a cubic reaches below zero: torch's, and so BEiT's. */
const CUBIC_A = -0.75;

/** Keys' cubic convolution kernel. */
function cubic(x: number): number {
  const t = Math.abs(x);
  if (t <= 1) return ((CUBIC_A + 2) * t - (CUBIC_A + 3)) * t * t + 1;
  if (t < 2) return ((CUBIC_A * t - 5 * CUBIC_A) * t + 8 * CUBIC_A) * t - 4 * CUBIC_A;
  return 0;
}
const triangle = (x: number): number => Math.max(0, 1 - Math.abs(x));

export interface ResizeGridOptions {
  readonly method: 'bicubic' | 'bilinear';
  /** Whether the corner values stay at the corners. Default false, as everywhere in BEiT. */
  readonly alignCorners?: boolean;
}

/** Row i holds the weights of the `from` values in the i-th of `to`; beyond an edge the edge value counts. */
export function resizeWeights(
  from: number,
  to: number,
  { method, alignCorners = false }: ResizeGridOptions,
): Float64Array[] {
  const [kernel, reach] = method === 'bicubic' ? [cubic, 2] : [triangle, 1];
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

/**
 * A grid of vectors at another resolution, as torch.nn.functional.interpolate without antialiasing.
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
