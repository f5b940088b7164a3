/** A process that runs programs, one after the other, and compares what comes out: engines may take it down. */
import * as tf from '@tensorflow/tfjs';
import { difference, NONE, ROUNDING } from './compareTensors';
import type { Program } from './program';
import { type LeafMode, RUNNERS, type Runner } from './runProgram';
import { type Verdict, verdictOfError } from './verdict';

/** What such a process is asked. It answers with a `Verdict`. */
export interface Question {
  readonly program: Program;
  readonly runner: Runner;
  readonly mode: LeafMode;
}

async function answer({ program, runner, mode }: Question): Promise<Verdict> {
  try {
    const outputs = await RUNNERS[runner](program, mode);
    // What TensorFlow.js computes again must come out to the last bit.
    const tolerance = runner === 'cpu' ? NONE : ROUNDING;
    for (const [i, read] of program.reads.entries()) {
      const message = difference(outputs[i]!, read, tolerance);
      if (message !== undefined) return { kind: 'different', message };
    }
    return { kind: 'equal' };
  } catch (error) {
    return verdictOfError(error);
  }
}

tf.enableProdMode();
await tf.setBackend('cpu');
process.on('message', async (question: Question) => {
  process.send!(await answer(question));
});
process.on('disconnect', () => process.exit());
process.send!('ready');
