import { assertGrid, type GridSize, type LayerAttention } from './layerAttention';

/**
 * What one patch attends to: its row of every head, without the cls token's column, as in the paper's last figure. What
 * is left sums to less than 1 by what the patch gives to the cls token.
 * Reference: microsoft/unilm beit visualize_attention.py.
 *
 * @param patch its row and column
 * @returns `[rows * columns]` of each head
 * @throws RangeError when the shape does not fit the grid, or there is no such patch
 */
export function patchAttention(
  layer: LayerAttention,
  gridSize: GridSize,
  [row, column]: readonly [row: number, column: number],
): Float32Array[] {
  assertGrid(layer, gridSize);
  const [rows, columns] = gridSize;
  const inside = (at: number, size: number) => Number.isInteger(at) && at >= 0 && at < size;
  if (!inside(row, rows) || !inside(column, columns)) {
    throw new RangeError(`There is no patch (${row}, ${column}); the grid has ${rows}x${columns}.`);
  }
  const [numHeads, queries, tokens] = layer.shape;
  const query = 1 + row * columns + column;
  return Array.from({ length: numHeads }, (_, head) => {
    const from = (head * queries + query) * tokens + 1;
    return Float32Array.from({ length: tokens - 1 }, (_, patch) => layer.data[from + patch]!);
  });
}

/** The mean of maps of equal size. @throws RangeError when there is none */
export function meanMap(maps: readonly Float32Array[]): Float32Array {
  const [first] = maps;
  if (!first) throw new RangeError('There is no map to take the mean of.');
  const mean = new Float32Array(first.length);
  for (const map of maps) for (let i = 0; i < mean.length; i++) mean[i]! += map[i]! / maps.length;
  return mean;
}
