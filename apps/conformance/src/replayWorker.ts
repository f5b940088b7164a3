/** A process that runs programs, one after the other, and compares what comes out: engines may take it down. */
import { readFileSync } from 'node:fs';
import { deserialize } from 'node:v8';
import * as tf from '@tensorflow/tfjs';
import { difference } from './compareTensors';
import type { Program } from './program';
import { roundingSpread } from './roundingSpread';
import { RUNNERS, type Runner } from './runProgram';
import { type Verdict, verdictOfError } from './verdict';

/** What such a process is asked, in a file that it is told of. It answers with a `Verdict`. */
export interface Question {
  readonly program: Program;
  readonly runner: Runner;
}

async function answer({ program, runner }: Question): Promise<Verdict> {
  try {
    const outputs = await RUNNERS[runner](program);
    const differences = (spread?: readonly Float64Array[]) =>
      // What TensorFlow.js computes again must come out to the last bit.
      program.reads.flatMap((read, i) => difference(outputs[i]!, read, runner !== 'cpu', spread?.[i]) ?? []);
    if (differences().length === 0) return { kind: 'equal' };
    const [message] = differences(runner === 'cpu' ? undefined : await roundingSpread(program));
    return message === undefined ? { kind: 'equal' } : { kind: 'different', message };
  } catch (error) {
    return verdictOfError(error);
  }
}

tf.enableProdMode();
await tf.setBackend('cpu');
process.on('message', async (file: string) => {
  process.send!(await answer(deserialize(readFileSync(file)) as Question));
});
process.on('disconnect', () => process.exit());
process.send!('ready');
