import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { peakBytes } from '@beit/apps-shared/measurements';
import { availableEngines, compile, type Program, type Step, type Tree } from '@beit/compile';
import type { HostTensor } from '@beit/weights';
import * as tf from '@tensorflow/tfjs';
import { collectGarbage } from './collectGarbage';
import type { OursArguments } from './measureSteps';
import type { StepRun } from './stepRun';

type Tensors = Tree<tf.Tensor>;
type AnyProgram = Program<Tensors, Tensors, Tensors>;

/** A step of ours, and what goes into it. */
export interface OurSteps {
  readonly step: Step<Tensors, Tensors, Tensors>;
  readonly state: Tree<HostTensor>;
  readonly inputs: (step: number) => Tree<HostTensor>;
  /** What is told of large outputs, beyond the time that is measured. Default: all of them. */
  readonly summarize?: (outputs: Readonly<Record<string, HostTensor>>) => Record<string, readonly number[]>;
}

/**
 * Compiles and runs the steps that the command line asks for, each when it is its turn (`takeTurns`), and prints a
 * `StepRun` as JSON, or why the engine is not there. The command line is one argument: `OursArguments` and the task, as JSON.
 */
export async function oursSteps<Task>(prepare: (task: Task) => OurSteps): Promise<void> {
  const task = JSON.parse(process.argv[2]!) as Task & OursArguments;
  const installed = (await availableEngines()).includes(task.engine);
  const result = installed
    ? await measure(await compileTask(prepare, task), task)
    : { absent: `the engine ${task.engine} is not installed` };
  console.log(JSON.stringify(result));
}

/** The program and its inputs; the initial state is garbage when this has returned. */
async function compileTask<Task>(
  prepare: (task: Task) => OurSteps,
  task: Task & OursArguments,
): Promise<Pick<OurSteps, 'inputs' | 'summarize'> & { program: AnyProgram; compileSeconds: number }> {
  const { step, state, inputs, summarize } = prepare(task);
  tf.enableProdMode();
  const begin = performance.now();
  const program = await compile(
    step,
    { state: state as never, inputs: inputs(0) as never },
    {
      engine: task.engine,
      precision: task.precision,
      numThreads: task.threads,
      programCache: task.programCache,
    },
  );
  return { program, inputs, summarize, compileSeconds: (performance.now() - begin) / 1000 };
}

async function measure(
  { program, inputs, summarize = allOf, compileSeconds }: Awaited<ReturnType<typeof compileTask>>,
  { engine, precision, steps }: OursArguments,
): Promise<StepRun> {
  collectGarbage();
  const turns = createInterface({ input: process.stdin });
  const seconds: number[] = [];
  const outputs: Record<string, number[]> = {};
  for (let i = 0; i < steps; i++) {
    const given = inputs(i) as never;
    console.log('"ready"');
    await once(turns, 'line');
    const start = performance.now();
    const results = (await program.run(given)) as unknown as Record<string, HostTensor>;
    seconds.push((performance.now() - start) / 1000);
    for (const [name, values] of Object.entries(summarize(results))) {
      outputs[name] = [...(outputs[name] ?? []), ...values];
    }
    console.error(`${engine}-${precision}: step ${i} ${seconds.at(-1)!.toFixed(3)} s`);
  }
  turns.close();
  await program.dispose();
  return { seconds, outputs, compileSeconds, peakBytes: peakBytes(), versions: {} };
}

const allOf = (outputs: Readonly<Record<string, HostTensor>>) =>
  Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, [...data]]));
