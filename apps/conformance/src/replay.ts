import * as tf from '@tensorflow/tfjs';
import { mapInputs, type Program, type Ref } from './program';

/**
 * Runs a program's kernels again on the backend in use.
 *
 * @param leaves the tensors that go in
 * @returns the tensors that were read, in their order
 */
export function replay(program: Program, leaves: readonly tf.Tensor[]): tf.Tensor[] {
  const made: tf.Tensor[][] = [];
  const tensorOf = (ref: Ref): tf.Tensor =>
    'leaf' in ref ? leaves[ref.leaf]! : made[ref.node]![ref.output]!;
  for (const { kernel, inputs, attrs } of program.calls) {
    const result = tf
      .engine()
      .runKernel(kernel, mapInputs(inputs, tensorOf) as tf.NamedTensorMap, attrs) as unknown;
    made.push((Array.isArray(result) ? result : [result]) as tf.Tensor[]);
  }
  return program.reads.map(({ ref }) => tensorOf(ref));
}
