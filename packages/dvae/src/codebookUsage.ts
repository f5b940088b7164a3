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
    if (!Number.isInteger(token) || token < 0 || token >= vocabSize)
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
    mostFrequent: total === 0 ? 0 : counts.reduce((most, count) => Math.max(most, count), 0) / total,
  };
}
