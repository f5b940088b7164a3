/** How pictures are read to see whether they can be. */
export const views = {
  imageSize: 16,
  tokenImageSize: 0,
  normalization: { mean: [0, 0, 0], std: [1, 1, 1] },
} as const;
