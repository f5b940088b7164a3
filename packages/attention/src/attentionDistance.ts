import { assertGrid, type GridSize, type LayerAttention } from './layerAttention';

/**
 * How far a head looks: the distance from the center of a patch to that of another, averaged by the attention between
 * them, over all patches. Without the cls token; a patch's attention to the others counts as a whole.
 * Paper: Dosovitskiy et al., arXiv 2010.11929, figure 7.
 *
 * @param patchSize pixels; 1 for a distance in patches
 * @returns of each head, in pixels
 * @throws RangeError when the shape does not fit the grid
 */
export function attentionDistance(
  layer: LayerAttention,
  gridSize: GridSize,
  patchSize: number,
): Float32Array {
  assertGrid(layer, gridSize);
  const [numHeads, queries, tokens] = layer.shape;
  const [, columns] = gridSize;
  const patches = tokens - 1;
  return Float32Array.from({ length: numHeads }, (_, head) => {
    let sum = 0;
    for (let query = 0; query < patches; query++) {
      const from = (head * queries + query + 1) * tokens + 1;
      let [weighted, mass] = [0, 0];
      for (let key = 0; key < patches; key++) {
        const weight = layer.data[from + key]!;
        const down = Math.floor(query / columns) - Math.floor(key / columns);
        const across = (query % columns) - (key % columns);
        weighted += weight * Math.hypot(down, across);
        mass += weight;
      }
      if (mass > 0) sum += weighted / mass;
    }
    return (sum / patches) * patchSize;
  });
}
