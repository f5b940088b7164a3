import * as tf from '@tensorflow/tfjs';
import { withKernelNoise } from '../../../packages/compile/test/kernelNoise';
import type { Program } from './program';
import { replay } from './replay';
import { readTensor, tensorsOf } from './tensors';

const RUNS = 3;
/** More than so few runs show. */
const MARGIN = 8;

/**
 * How much each number that is read may change when every kernel rounds a little differently: the condition of the
 * computation, measured by repeating it on `cpu` with noise.
 *
 * @returns for each read, a bound for each number
 */
export async function roundingSpread(program: Program): Promise<Float64Array[]> {
  await tf.setBackend('cpu');
  const spread = program.reads.map(({ data }) => new Float64Array(data.length));
  for (let run = 1; run <= RUNS; run++) {
    tf.tidy(() => {
      const noisy = withKernelNoise(run, ({ during }) =>
        during(true, () => replay(program, tensorsOf(program))),
      );
      noisy.forEach((tensor, i) => {
        const { data } = readTensor(tensor);
        const { data: expected } = program.reads[i]!;
        for (let j = 0; j < data.length; j++) {
          const change = MARGIN * Math.abs(Number(data[j]) - Number(expected[j]));
          if (change > spread[i]![j]!) spread[i]![j] = change;
        }
      });
    });
  }
  return spread;
}
