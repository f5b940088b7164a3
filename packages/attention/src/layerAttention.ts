/**
 * Attention of one image in one layer, `[numHeads, tokens, tokens]`: a row is a query and sums to 1; the cls token comes
 * first, then the patches row by row. `encode` of `@beit/vit` gives it for a batch, any other model's is fine.
 */
export interface LayerAttention {
  readonly shape: readonly [numHeads: number, queries: number, tokens: number];
  readonly data: ArrayLike<number>;
}

/** Patches, rows and columns. */
export type GridSize = readonly [rows: number, columns: number];

/** @throws RangeError when the shape is not that of a grid with a cls token */
export function assertGrid({ shape, data }: LayerAttention, [rows, columns]: GridSize): void {
  const [numHeads, queries, tokens] = shape;
  const expected = rows * columns + 1;
  if (queries !== expected || tokens !== expected) {
    throw new RangeError(
      `The attention is [${shape}]; expected [numHeads, ${expected}, ${expected}] for ${rows}x${columns} patches and a cls token.`,
    );
  }
  if (data.length !== numHeads * tokens * tokens)
    throw new RangeError(`The attention has ${data.length} numbers; its shape is [${shape}].`);
}

/**
 * The images of a batch.
 *
 * @param attention `[batch, numHeads, tokens, tokens]`
 * @returns views, nothing is copied
 * @throws RangeError for another rank
 */
export function attentionOfImages({
  shape,
  data,
}: {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}): LayerAttention[] {
  if (shape.length !== 4)
    throw new RangeError(`The attention is [${shape}]; expected [batch, numHeads, tokens, tokens].`);
  const [batch, ...own] = shape as [number, number, number, number];
  const size = own.reduce((a, b) => a * b);
  return Array.from({ length: batch }, (_, i) => ({
    shape: own,
    data: data.subarray(i * size, (i + 1) * size),
  }));
}
