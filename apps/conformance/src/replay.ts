import * as tf from '@tensorflow/tfjs';
import { mapInputs, type Program, type Ref } from './program';

/**
 * Runs a program's kernels again on the backend in use.
 *
 * @param leaves the tensors that go in
 * @param rounded what becomes of a float tensor that a kernel returns
 * @returns the tensors that were read, in their order
 */
export function replay(
  program: Program,
  leaves: readonly tf.Tensor[],
  rounded: (x: tf.Tensor) => tf.Tensor = (x) => x,
): tf.Tensor[] {
  const made: tf.Tensor[][] = [];
  const tensorOf = (ref: Ref): tf.Tensor =>
    'leaf' in ref ? leaves[ref.leaf]! : made[ref.node]![ref.output]!;
  for (const { kernel, inputs, attrs } of program.calls) {
    const result = tf
      .engine()
      .runKernel(kernel, mapInputs(inputs, tensorOf) as tf.NamedTensorMap, attrs as never) as unknown;
    const tensors = (Array.isArray(result) ? result : [result]) as tf.Tensor[];
    made.push(tensors.map((tensor) => (tensor.dtype === 'float32' ? rounded(tensor) : tensor)));
  }
  return program.reads.map(({ ref }) => tensorOf(ref));
}
