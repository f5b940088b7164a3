import type { Random } from '@beit/random';

/** A draw from the Beta distribution with both parameters `alpha`, in [0, 1]. */
export function drawBeta(random: Random, alpha: number): number {
  const [a, b] = [drawLogGamma(random, alpha), drawLogGamma(random, alpha)];
  return 1 / (1 + Math.exp(b - a));
}

/**
 * The logarithm of a draw from the Gamma distribution: for a small `shape`, draws themselves would be 0.
 * Marsaglia and Tsang, "A simple method for generating gamma variables", 2000; section 6 for shapes below 1.
 */
function drawLogGamma(random: Random, shape: number): number {
  if (!(shape > 0)) throw new RangeError(`The Beta distribution's alpha is ${shape}; expected above 0.`);
  if (shape < 1) return drawLogGamma(random, shape + 1) + Math.log(1 - random.uniform()) / shape;
  const d = shape - 1 / 3;
  for (;;) {
    const x = random.normal();
    const v = (1 + x / Math.sqrt(9 * d)) ** 3;
    if (v > 0 && Math.log(1 - random.uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) {
      return Math.log(d * v);
    }
  }
}
