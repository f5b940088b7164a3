import * as tf from '@tensorflow/tfjs';
import { resizeWeights } from './resizeGrid';
import { upsampleBilinear2d } from './upsampleBilinear2d';

/**
 * Bilinear resizing to any size, as torch.nn.functional.interpolate(mode='bilinear', align_corners=False).
 *
 * @param x `[batch, height, width, channels]`
 * @param size rows and columns
 * @returns `[batch, ...size, channels]`
 * @throws RangeError for another rank or a size that is not positive integers
 */
export function resizeBilinear2d(x: tf.Tensor, [rows, columns]: readonly [number, number]): tf.Tensor4D {
  const [height, width] = sidesOf(x, 'resizeBilinear2d');
  assertSides('resizeBilinear2d', rows, columns);
  const factor = rows / height;
  if (Number.isSafeInteger(factor) && columns === width * factor) return upsampleBilinear2d(x, factor);
  const weights = (from: number, to: number) =>
    resizeWeights(from, to, { method: 'bilinear' }).map((row) => Array.from(row));
  return resampled(x, weights(height, rows), weights(width, columns));
}

/**
 * Averages over a grid of `side` by `side` parts, which overlap where the size is no multiple of `side`, as
 * torch.nn.AdaptiveAvgPool2d(side).
 *
 * @param x `[batch, height, width, channels]`
 * @returns `[batch, side, side, channels]`
 * @throws RangeError for another rank or a side that is not a positive integer
 */
export function adaptiveAveragePool2d(x: tf.Tensor, side: number): tf.Tensor4D {
  const [height, width] = sidesOf(x, 'adaptiveAveragePool2d');
  assertSides('adaptiveAveragePool2d', side);
  const weights = (from: number) =>
    Array.from({ length: side }, (_, i) => {
      const begin = Math.floor((i * from) / side);
      const end = Math.ceil(((i + 1) * from) / side);
      return Array.from({ length: from }, (_, k) => (begin <= k && k < end ? 1 / (end - begin) : 0));
    });
  return resampled(x, weights(height), weights(width));
}

/** Every line a weighted sum of lines, then every column of columns. */
function resampled(x: tf.Tensor, down: readonly number[][], across: readonly number[][]): tf.Tensor4D {
  const alongFirst = (y: tf.Tensor, weights: readonly number[][]) => {
    const [from, ...rest] = y.shape as [number, ...number[]];
    const sums = tf.matMul(tf.tensor2d([...weights]), tf.reshape(y, [from, -1]));
    return tf.reshape(sums, [weights.length, ...rest]);
  };
  // [height, batch, width, channels], then [width, height, batch, channels].
  const lines = alongFirst(tf.transpose(x, [1, 0, 2, 3]), down);
  const columns = alongFirst(tf.transpose(lines, [2, 0, 1, 3]), across);
  return tf.transpose(columns, [2, 1, 0, 3]) as tf.Tensor4D;
}

function sidesOf(x: tf.Tensor, op: string): [number, number] {
  if (x.rank !== 4)
    throw new RangeError(`${op} input is [${x.shape}]; expected [batch, height, width, channels].`);
  return [x.shape[1]!, x.shape[2]!];
}

function assertSides(op: string, ...sides: readonly number[]): void {
  const wrong = sides.find((side) => !Number.isSafeInteger(side) || side < 1);
  if (wrong !== undefined) throw new RangeError(`${op} size is ${wrong}; expected a positive integer.`);
}
