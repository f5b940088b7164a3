/** Two training curves beside each other. Losses are means over a window of steps; relative differences are fractions. */
export interface CurveComparison {
  /** Means over the last window. */
  readonly finalLossFp32: number;
  readonly finalLossBf16: number;
  /** The difference of the final losses: (bf16 - fp32) / |fp32|. */
  readonly relativeDifference: number;
  /** The largest relative difference, without its sign, of the smoothed curves after the first window. */
  readonly maxDrift: number;
}

/**
 * Running means of the last `window` values; the first of them, at index 0, ends at value `window`.
 *
 * @throws when there are fewer values than one window
 */
export function runningMeans(values: readonly number[], window: number): number[] {
  if (!(Number.isInteger(window) && window > 0 && values.length >= window)) {
    throw new RangeError(
      `A window of ${window} over ${values.length} values; expected a whole number from 1 to that.`,
    );
  }
  return Array.from({ length: values.length - window + 1 }, (_, i) => mean(values.slice(i, i + window)));
}

const mean = (values: readonly number[]) => values.reduce((sum, x) => sum + x, 0) / values.length;

/** `(other - own) / |own|`, element by element. */
export function relativeDifferences(own: readonly number[], other: readonly number[]): number[] {
  if (own.length !== other.length) {
    throw new RangeError(`Curves of ${own.length} and ${other.length} steps can't be compared.`);
  }
  return own.map((x, i) => (other[i]! - x) / Math.abs(x));
}

/** @throws when the curves differ in length, or are shorter than a window and one step */
export function compareCurves(
  fp32: readonly number[],
  bf16: readonly number[],
  window: number,
): CurveComparison {
  const [own, other] = [runningMeans(fp32, window), runningMeans(bf16, window)];
  const differences = relativeDifferences(own, other);
  if (differences.length < 2) throw new RangeError(`${fp32.length} steps are no more than one window.`);
  return {
    finalLossFp32: own.at(-1)!,
    finalLossBf16: other.at(-1)!,
    relativeDifference: differences.at(-1)!,
    maxDrift: Math.max(...differences.slice(1).map(Math.abs)),
  };
}
