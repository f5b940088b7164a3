/** What the words of a tokenizer look like to its decoder. */
export interface Codebook {
  /** The decoder's input layer: `[vocabSize, dim]`. */
  readonly vectors: Float32Array;
  readonly vocabSize: number;
}

export interface Neighbour {
  readonly token: number;
  /** Cosine, [-1, 1]. */
  readonly similarity: number;
}

/** The tokens whose vectors point most nearly the same way, the nearest first. */
export function nearestTokens({ vectors, vocabSize }: Codebook, token: number, count: number): Neighbour[] {
  const dim = vectors.length / vocabSize;
  const own = vectors.subarray(token * dim, (token + 1) * dim);
  const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);
  const length = (a: Float32Array) => Math.sqrt(dot(a, a)) || 1;
  const ownLength = length(own);
  return Array.from({ length: vocabSize }, (_, other) => {
    const vector = vectors.subarray(other * dim, (other + 1) * dim);
    return { token: other, similarity: dot(own, vector) / (ownLength * length(vector)) };
  })
    .filter((one) => one.token !== token)
    .sort((a, b) => b.similarity - a.similarity)
    .slice(0, count);
}
