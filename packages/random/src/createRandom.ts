import { hashKeys } from './hashKeys';
import { xoshiro128 } from './xoshiro128';

/** A stream of random numbers. No method uses `this`, so each can be passed on as a plain function. */
export interface Random {
  /** An integer in [0, 2^32). */
  uint32(): number;
  /** A number in [min, max), by default in [0, 1), on a grid of 2^32 steps. */
  uniform(min?: number, max?: number): number;
  /** An integer from `min` to `max`, both included, each equally likely. */
  integer(min: number, max: number): number;
  /** A draw from N(mean, std), by default N(0, 1). */
  normal(mean?: number, std?: number): number;
  /** A draw from N(0, std) under the condition that its magnitude is at most `cutoff`. */
  truncatedNormal(std: number, cutoff: number): number;
  /** A draw from the standard Gumbel distribution, -ln(-ln u). */
  gumbel(): number;
  /** The integers 0 ... n - 1 in random order, `[n]`. */
  permutation(n: number): Int32Array;
}

const TWO_POW_32 = 2 ** 32;

/**
 * Makes the random stream that belongs to a tuple of keys, such as (seed, epoch, sample index).
 *
 * The same keys give the same stream on every machine; a tuple that differs in any key, in its length or in a
 * key's type (1 and '1') gives an independent one. So nothing depends on the order of calls, and nothing has
 * to be saved for a resume.
 *
 * The generator is xoshiro128**, started from a 128-bit hash of the keys. It is not for secrets.
 *
 * @param keys at least one; finite numbers (fractions too) or strings.
 * @throws RangeError when there is no key, or a number is NaN or infinite.
 */
export function createRandom(...keys: readonly (number | string)[]): Random {
  const uint32 = xoshiro128(hashKeys(keys));
  // Box-Muller makes normals in pairs; the second of a pair waits here.
  let spareNormal = 0;
  let hasSpareNormal = false;

  /** In (0, 1), for logarithms. */
  function openUniform(): number {
    return (uint32() + 0.5) / TWO_POW_32;
  }

  function uniform(min = 0, max = 1): number {
    const value = min + (max - min) * (uint32() / TWO_POW_32);
    if (value < max) return value;
    if (min < max) return min; // `value` was rounded up to `max`, which can happen in a narrow range.
    throw new RangeError(`uniform(${min}, ${max}) is empty: give a max above min.`);
  }

  function integer(min: number, max: number): number {
    const count = max - min + 1;
    if (!Number.isInteger(min) || !Number.isInteger(max) || count < 1 || count > TWO_POW_32) {
      throw new RangeError(
        `integer(${min}, ${max}) is not possible: give integers, min <= max, at most 2^32 of them.`,
      );
    }
    // The rest of a division of 2^32 draws would favour small results: redraw there.
    const limit = TWO_POW_32 - (TWO_POW_32 % count);
    let draw = uint32();
    while (draw >= limit) draw = uint32();
    return min + (draw % count);
  }

  function standardNormal(): number {
    if (hasSpareNormal) {
      hasSpareNormal = false;
      return spareNormal;
    }
    const radius = Math.sqrt(-2 * Math.log(openUniform()));
    const angle = 2 * Math.PI * (uint32() / TWO_POW_32);
    spareNormal = radius * Math.sin(angle);
    hasSpareNormal = true;
    return radius * Math.cos(angle);
  }

  function normal(mean = 0, std = 1): number {
    return mean + std * standardNormal();
  }

  function truncatedNormal(std: number, cutoff: number): number {
    if (!(std >= 0 && cutoff > 0)) {
      throw new RangeError(
        `truncatedNormal(${std}, ${cutoff}) needs a std of at least 0 and a cutoff above 0.`,
      );
    }
    // Either proposal gives the same distribution; each is used where it is rarely refused.
    if (cutoff > std) {
      let x = std * standardNormal();
      while (Math.abs(x) > cutoff) x = std * standardNormal();
      return x;
    }
    for (;;) {
      const x = cutoff * (2 * openUniform() - 1);
      if (openUniform() <= Math.exp(-0.5 * (x / std) ** 2)) return x;
    }
  }

  function gumbel(): number {
    return -Math.log(-Math.log(openUniform()));
  }

  function permutation(n: number): Int32Array {
    if (!Number.isInteger(n) || n < 0 || n >= 2 ** 31) {
      throw new RangeError(`permutation(${n}) is not possible: give an integer from 0 to 2^31 - 1.`);
    }
    const order = new Int32Array(n);
    // Inside-out Fisher-Yates.
    for (let i = 0; i < n; i++) {
      const j = integer(0, i);
      order[i] = order[j]!;
      order[j] = i;
    }
    return order;
  }

  return { uint32, uniform, integer, normal, truncatedNormal, gumbel, permutation };
}
