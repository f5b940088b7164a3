/** What is told of repeated measurements. Quartiles, since times have a long tail on one side. */
export interface Spread {
  readonly count: number;
  readonly median: number;
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
  readonly min: number;
  readonly max: number;
}

/** The value below which a share `q` in [0, 1] of the numbers lies, between neighbours by interpolation. NaN for none. */
export function quantile(numbers: readonly number[], q: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const below = Math.floor(position);
  const [low = Number.NaN, high = low] = sorted.slice(below, below + 2);
  return low + (position - below) * (high - low);
}

export const median = (numbers: readonly number[]): number => quantile(numbers, 0.5);

export const spreadOf = (numbers: readonly number[]): Spread => ({
  count: numbers.length,
  median: median(numbers),
  lowerQuartile: quantile(numbers, 0.25),
  upperQuartile: quantile(numbers, 0.75),
  min: Math.min(...numbers),
  max: Math.max(...numbers),
});
