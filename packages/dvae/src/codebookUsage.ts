export interface CodebookUsage {
  /** How often each visual token occurs, `[vocabSize]`. */
  readonly counts: Float64Array;
  /** Tokens that occur at all. */
  readonly used: number;
  /** exp of the entropy: 1 when one token is used alone, vocabSize when all are used alike. */
  readonly perplexity: number;
  /** Share of the most frequent token. */
  readonly mostFrequent: number;
}

/** How a set of images uses the vocabulary. @throws RangeError for a token outside of it */
export function codebookUsage(tokens: Iterable<number>, vocabSize: number): CodebookUsage {
  const counts = new Float64Array(vocabSize);
  let total = 0;
  for (const token of tokens) {
    if (!(token >= 0 && token < vocabSize))
      throw new RangeError(`Token ${token} is not in a vocabulary of ${vocabSize}.`);
    counts[token]! += 1;
    total += 1;
  }
  let entropy = 0;
  for (const count of counts) if (count > 0) entropy -= (count / total) * Math.log(count / total);
  return {
    counts,
    used: counts.filter((count) => count > 0).length,
    perplexity: total === 0 ? 0 : Math.exp(entropy),
    mostFrequent: total === 0 ? 0 : Math.max(...counts) / total,
  };
}

/** Peak signal-to-noise ratio of images in [0, 1], dB. */
export function psnr(actual: Float32Array, expected: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < expected.length; i++) sum += (actual[i]! - expected[i]!) ** 2;
  return -10 * Math.log10(sum / expected.length);
}
