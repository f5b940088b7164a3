import { gridOf, type VitConfig } from '@beit/vit';

export interface StepSize {
  readonly batchSize: number;
  /** Masked patches of an image, on which alone the vocabulary head runs. */
  readonly numMasked: number;
  /** Tokens whose queries, projection and MLP the last block computes: all, or, as nothing else is used, the masked. */
  readonly lastBlock: 'all' | 'masked';
  readonly vocabSize: number;
}

/**
 * Floating point operations in the matrix products of one training step, a multiplication and an addition counting two.
 * The backward pass takes two products for each of the forward pass, one for the weight or the second operand and one
 * for the input; the patch projection's input is the image, which needs no gradient.
 */
export function stepFlops(
  { imageSize, patchSize, embedDim, depth, mlpRatio = 4 }: VitConfig,
  { batchSize, numMasked, vocabSize, lastBlock }: StepSize,
): number {
  const [rows, columns] = gridOf({ imageSize, patchSize });
  const patches = rows * columns;
  const tokens = patches + 1;
  const projection = 2 * patches * 3 * patchSize ** 2 * embedDim;
  const block = (queries: number) =>
    2 * embedDim ** 2 * (2 * tokens + queries * (2 + 2 * mlpRatio)) + // keys and values; queries, output, MLP
    2 * 2 * queries * tokens * embedDim; // queries with keys, weights with values
  const blocks = (depth - 1) * block(tokens) + block(lastBlock === 'all' ? tokens : numMasked);
  const head = 2 * numMasked * embedDim * vocabSize;
  return batchSize * (2 * projection + 3 * (blocks + head));
}
