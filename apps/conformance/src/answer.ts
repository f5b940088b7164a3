import { difference } from './compareTensors';
import type { Program } from './program';
import { roundingSpread } from './roundingSpread';
import { RUNNERS, type Runner } from './runProgram';
import { type Verdict, verdictOfError } from './verdict';

/** Whether a program's reads come out as they were, by a runner. */
export interface Question {
  readonly program: Program;
  readonly runner: Runner;
}

/** Runs a program and compares what comes out. Never throws; an engine may take the process down. */
export async function answer({ program, runner }: Question): Promise<Verdict> {
  try {
    const outputs = await RUNNERS[runner](program);
    // What TensorFlow.js computes again must come out to the last bit.
    const tolerant = runner !== 'cpu';
    const differences = (spread?: readonly Float64Array[]) =>
      program.reads.flatMap((read, i) => difference(outputs[i]!, read, tolerant, spread?.[i]) ?? []);
    if (differences().length === 0) return { kind: 'equal' };
    const [message] = differences(tolerant ? await roundingSpread(program) : undefined);
    return message === undefined ? { kind: 'equal' } : { kind: 'different', message };
  } catch (error) {
    return verdictOfError(error);
  }
}
