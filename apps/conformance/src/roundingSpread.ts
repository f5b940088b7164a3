import * as tf from '@tensorflow/tfjs';
import type { Program } from './program';
import { replay } from './replay';
import { readTensor, tensorsOf } from './tensors';

/** As large as eight roundings of float32, and a different one for every number. */
const NOISE = 2 ** -21;
const RUNS = 3;

/**
 * How much each number that is read may change when every kernel rounds a little differently: the condition of the
 * computation, measured by repeating it on `cpu` with noise on what each kernel returns.
 *
 * @returns for each read, a bound for each number
 */
export async function roundingSpread(program: Program): Promise<Float64Array[]> {
  await tf.setBackend('cpu');
  const spread = program.reads.map(({ data }) => new Float64Array(data.length));
  for (let run = 0; run < RUNS; run++) {
    let at = 1000 * run;
    const noisy = (x: tf.Tensor) => {
      const factors = Float32Array.from({ length: x.size }, () => 1 + NOISE * Math.sin(++at * 12.9898));
      return x.mul(tf.tensor(factors, x.shape));
    };
    tf.tidy(() => {
      replay(program, tensorsOf(program), noisy).forEach((tensor, i) => {
        const { data } = readTensor(tensor);
        const { data: expected } = program.reads[i]!;
        for (let j = 0; j < data.length; j++) {
          const change = 4 * Math.abs(Number(data[j]) - Number(expected[j]));
          if (change > spread[i]![j]!) spread[i]![j] = change;
        }
      });
    });
  }
  return spread;
}
