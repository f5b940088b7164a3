import { availableEngines, compile, type Step, type Tree } from '@beit/compile';
import type { HostTensor } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import type { OursArguments } from './measureSteps';
import { peakBytes } from './peakBytes';
import type { StepRun } from './stepRun';

/** A step of ours, and what goes into it. */
export interface OurSteps {
  readonly step: Step<Tree<tf.Tensor>, Tree<tf.Tensor>, Tree<tf.Tensor>>;
  readonly state: Tree<HostTensor>;
  readonly inputs: (step: number) => Tree<HostTensor>;
}

/**
 * Compiles and runs the steps that the command line asks for, and prints a `StepRun` as JSON, or why the engine is not
 * there. The command line is one argument: `OursArguments` and the task, as JSON.
 */
export async function oursSteps<Task>(prepare: (task: Task) => OurSteps): Promise<void> {
  const task = JSON.parse(process.argv[2]!) as Task & OursArguments;
  const installed = (await availableEngines()).includes(task.engine);
  const result = installed
    ? await measure(prepare(task), task)
    : { absent: `the engine ${task.engine} is not installed` };
  console.log(JSON.stringify(result));
}

async function measure(
  { step, state, inputs }: OurSteps,
  { engine, precision, threads, steps }: OursArguments,
): Promise<StepRun> {
  tf.enableProdMode();
  const begin = performance.now();
  const program = await compile(
    step,
    { state: state as never, inputs: inputs(0) as never },
    { engine, precision, numThreads: threads },
  );
  const compileSeconds = (performance.now() - begin) / 1000;
  const seconds: number[] = [];
  const outputs: Record<string, number[]> = {};
  for (let i = 0; i < steps; i++) {
    const given = inputs(i) as never;
    const start = performance.now();
    const results = (await program.run(given)) as unknown as Record<string, HostTensor>;
    seconds.push((performance.now() - start) / 1000);
    for (const [name, { data }] of Object.entries(results)) {
      outputs[name] = [...(outputs[name] ?? []), ...data];
    }
    console.error(`${engine}-${precision}: step ${i} ${seconds.at(-1)!.toFixed(3)} s`);
  }
  await program.dispose();
  return { seconds, outputs, compileSeconds, peakBytes: peakBytes(), versions: {} };
}
