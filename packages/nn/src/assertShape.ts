import type * as tf from '@tensorflow/tfjs';

/**
 * @param expected the shape, with -1 for an axis of any size
 * @param what names the tensor in the error
 * @throws RangeError that shows what was expected and what came
 */
export function assertShape(tensor: tf.Tensor, expected: readonly number[], what: string): void {
  const fits =
    tensor.rank === expected.length && expected.every((dim, i) => dim === -1 || dim === tensor.shape[i]);
  if (!fits) {
    const shown = expected.map((dim) => (dim === -1 ? 'any' : dim)).join(', ');
    throw new RangeError(`${what}: got [${tensor.shape.join(', ')}]; expected [${shown}].`);
  }
}
