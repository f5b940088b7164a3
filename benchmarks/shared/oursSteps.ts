import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { availableEngines, type CompiledProgram, compile } from '@beit/compile';
import { peakBytes } from '@beit/measurements';
import { flattenTensors, type HostTensor, type Step, type Tree } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { collectGarbage } from './collectGarbage';
import type { OursArguments } from './measureSteps';
import type { StepRun } from './stepRun';

type Tensors = Tree<tf.Tensor>;
type AnyProgram = CompiledProgram<Tensors, Tensors, Tensors>;

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
  await printSteps(task, async () => {
    const { program, inputs, summarize = allOf, compileSeconds } = await compileTask(prepare, task);
    return {
      inputs,
      run: async (given) => flattenTensors(await program.run(given)),
      summarize,
      compileSeconds,
      dispose: () => program.dispose(),
    };
  });
}

/** Steps of any kind, and what goes into them. */
export interface AnySteps<I, O> {
  readonly inputs: (step: number) => I;
  /** What is measured. */
  readonly run: (inputs: I) => Promise<O>;
  readonly summarize: (outputs: O) => Record<string, readonly number[]>;
  readonly compileSeconds?: number;
  readonly dispose?: () => Promise<void>;
}

/** Runs steps, each when it is its turn (`takeTurns`), and prints a `StepRun` as JSON, or why the engine is not there. */
export async function printSteps<I, O>(
  task: OursArguments,
  prepare: () => Promise<AnySteps<I, O>>,
): Promise<void> {
  const installed = (await availableEngines()).includes(task.engine);
  const result = installed
    ? await measure(await prepare(), task)
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
    { state, inputs: inputs(0) },
    {
      engine: task.engine,
      precision: task.precision,
      device: task.device,
      numThreads: task.threads,
      programCache: task.programCache,
    },
  );
  return { program, inputs, summarize, compileSeconds: (performance.now() - begin) / 1000 };
}

async function measure<I, O>(
  { inputs, run, summarize, compileSeconds, dispose }: AnySteps<I, O>,
  { engine, precision, steps }: OursArguments,
): Promise<StepRun> {
  collectGarbage();
  const turns = createInterface({ input: process.stdin });
  const seconds: number[] = [];
  const outputs: Record<string, number[]> = {};
  for (let i = 0; i < steps; i++) {
    const given = inputs(i);
    console.log('"ready"');
    await once(turns, 'line');
    const start = performance.now();
    const results = await run(given);
    seconds.push((performance.now() - start) / 1000);
    for (const [name, values] of Object.entries(summarize(results))) {
      outputs[name] = [...(outputs[name] ?? []), ...values];
    }
    console.error(`${engine}-${precision}: step ${i} ${seconds.at(-1)!.toFixed(3)} s`);
  }
  turns.close();
  await dispose?.();
  return { seconds, outputs, compileSeconds, peakBytes: peakBytes(), versions: {} };
}

const allOf = (outputs: Readonly<Record<string, HostTensor>>) =>
  Object.fromEntries(Object.entries(outputs).map(([name, { data }]) => [name, [...data]]));
