/** Sizes of a transformer as the fixtures name them. */
export interface FixtureSizes {
  imageSize: number;
  patchSize: number;
  dim: number;
  depth: number;
  heads: number;
  mlpDim: number;
}

/** The same as `createVit` takes them. */
export const vitSizes = ({ imageSize, patchSize, dim, depth, heads, mlpDim }: FixtureSizes) => ({
  imageSize,
  patchSize,
  embedDim: dim,
  depth,
  numHeads: heads,
  mlpRatio: mlpDim / dim,
});
