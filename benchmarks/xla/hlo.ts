/**
 * Compiles the pre-training step in one of our engines that compile to HLO, in a process of its own, and writes what it has
 * been optimized to to `PREFIX.hlo.txt`. Argument: `HloTask` as JSON; prints `{}`, or why there is none.
 */
import { availableEngines, compile, type EngineName, type Precision } from '@beit/compile';
import { pretrainStep } from '@beit/mim';
import { trainState } from '@beit/optim';
import * as tf from '@tensorflow/tfjs';
import { createTask, type Task } from '../trainStep/task';

export interface HloTask extends Task {
  readonly engine: EngineName;
  readonly precision: Precision;
  readonly threads: number;
  readonly prefix: string;
}

const task = JSON.parse(process.argv[2]!) as HloTask;
const { engine, precision, threads: numThreads, prefix: profile } = task;
const installed = (await availableEngines()).includes(engine);
if (installed) {
  const { mim, optimizer, params, batch, scalars } = createTask(task);
  tf.enableProdMode();
  const program = await compile(
    pretrainStep(mim, optimizer),
    { state: trainState(params, optimizer), inputs: { batch, scalars: scalars(0) } },
    { engine, precision, numThreads, profile, programCache: false },
  );
  await program.dispose();
}
console.log(JSON.stringify(installed ? {} : { absent: `the engine ${engine} is not installed` }));
