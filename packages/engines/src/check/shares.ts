/** Time that is divided by weight among what is still to come: what one does not use, the others have. */
export interface Shares {
  /** Seconds for the next one of this weight. */
  take(weight: number): number;
  /** Seconds of all so far. */
  spent(): number;
}

/** @param weights of all that is to come, together */
export function shares(
  seconds: number,
  weights: number,
  now: () => number = () => performance.now() / 1000,
): Shares {
  const begin = now();
  let left = weights;
  const spent = () => now() - begin;
  return {
    spent,
    take(weight) {
      const share = ((seconds - spent()) * weight) / left;
      left -= weight;
      return Math.max(0, share);
    },
  };
}
