/** Over seeds. */
export interface Spread {
  readonly mean: number;
  /** Standard deviation of a sample; 0 for a single seed. */
  readonly sd: number;
}

export function spread(values: readonly number[]): Spread {
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  const squares = values.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return { mean, sd: values.length > 1 ? Math.sqrt(squares / (values.length - 1)) : 0 };
}

/** In percent: `45.6 ± 0.3`. */
export const withSd = ({ mean, sd }: Spread): string =>
  `${(100 * mean).toFixed(1)} ± ${(100 * sd).toFixed(1)}`;

/** A spread under two names, so that a table reads well as JSON. */
export type Pair<Name extends string> = { readonly [K in Name | `${Name}Sd`]: number };

export const pair = <Name extends string>(name: Name, { mean, sd }: Spread): Pair<Name> =>
  ({ [name]: mean, [`${name}Sd`]: sd }) as Pair<Name>;

/** Whether a difference is above 0, over so many seeds: clearly when it is above twice the deviation of its mean. */
export const aboveZero = ({ mean, sd }: Spread, seeds: number): 'yes' | 'not clearly' | 'no' =>
  mean <= 0 ? 'no' : mean > (2 * sd) / Math.sqrt(seeds) ? 'yes' : 'not clearly';
