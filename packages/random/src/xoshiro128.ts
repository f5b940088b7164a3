/**
 * The generator xoshiro128**: uniform integers in [0, 2^32), period 2^128 - 1.
 *
 * Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM TOMS 47(4), 2021, figure 2.
 *
 * @param state four words, not all zero; the stream owns and changes them.
 */
export function xoshiro128(state: Int32Array): () => number {
  return () => {
    const s0 = state[0]!;
    const s1 = state[1]!;
    const s2 = state[2]! ^ s0;
    const s3 = state[3]! ^ s1;
    const scaled = Math.imul(s1, 5);
    state[0] = s0 ^ s3;
    state[1] = s1 ^ s2;
    state[2] = s2 ^ (s1 << 9);
    state[3] = (s3 << 11) | (s3 >>> 21);
    return Math.imul((scaled << 7) | (scaled >>> 25), 9) >>> 0;
  };
}
