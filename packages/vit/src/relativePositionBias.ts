import * as tf from '@tensorflow/tfjs';

/** Rows of the table: one for each offset between patches, and three for pairs with the cls token. */
export const relativePositionRows = ([rows, columns]: readonly [number, number]): number =>
  (2 * rows - 1) * (2 * columns - 1) + 3;

/**
 * Which row of the table each pair of tokens takes, `[tokens, tokens]` row-major, tokens = 1 + rows * columns.
 * Reference: microsoft/unilm beit/modeling_finetune.py, RelativePositionBias.
 */
export function relativePositionIndex([rows, columns]: readonly [number, number]): Int32Array {
  const patches = rows * columns;
  const tokens = patches + 1;
  const total = relativePositionRows([rows, columns]);
  const index = new Int32Array(tokens * tokens);
  for (let i = 0; i < patches; i++) {
    for (let j = 0; j < patches; j++) {
      const down = Math.floor(i / columns) - Math.floor(j / columns) + rows - 1;
      const across = (i % columns) - (j % columns) + columns - 1;
      index[(i + 1) * tokens + j + 1] = down * (2 * columns - 1) + across;
    }
  }
  index.fill(total - 3, 0, tokens);
  for (let i = 0; i < tokens; i++) index[i * tokens] = total - 2;
  index[0] = total - 1;
  return index;
}

/**
 * What is added to the attention logits of every pair of tokens.
 *
 * @param table `[relativePositionRows(gridSize), numHeads]`
 * @returns `[numHeads, tokens, tokens]`
 */
export function relativePositionBias(table: tf.Tensor, gridSize: readonly [number, number]): tf.Tensor3D {
  const tokens = gridSize[0] * gridSize[1] + 1;
  const index = tf.tensor1d(relativePositionIndex(gridSize), 'int32');
  const pairs = tf.reshape(tf.gather(table, index), [tokens, tokens, table.shape[1]!]);
  return tf.transpose(pairs, [2, 0, 1]) as tf.Tensor3D;
}

/**
 * The rows of some queries.
 *
 * @param bias `[numHeads, tokens, tokens]`
 * @param queries `[batch, count]` int32 in [0, tokens)
 * @returns `[batch, numHeads, count, tokens]`
 */
export function biasOfQueries(bias: tf.Tensor, queries: tf.Tensor): tf.Tensor4D {
  const rows = tf.gather(tf.transpose(bias, [1, 0, 2]), queries); // [batch, count, numHeads, tokens]
  return tf.transpose(rows, [0, 2, 1, 3]) as tf.Tensor4D;
}
