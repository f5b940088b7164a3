/**
 * Compiles the pre-training step in engine xla, in a process of its own, with what XLA makes of it written to a folder.
 * Argument: `HloTask` as JSON; prints the file of the optimized HLO.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compile, type EngineName, type Precision } from '@beit/compile';
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
const { mim, optimizer, params, batch, scalars } = createTask(task);
tf.enableProdMode();
const program = await compile(
  pretrainStep(mim, optimizer),
  { state: trainState(params, optimizer), inputs: { batch, scalars: scalars(0) } },
  { engine, precision, device: 'cpu', numThreads, profile },
);
await program.dispose();
const folder = `${profile}.hlo`;
const optimized = (await readdir(folder)).filter((file) => file.endsWith('after_optimizations.txt'));
if (optimized.length !== 1)
  throw new Error(`${folder} has ${optimized.length} modules of optimized HLO; expected one.`);
console.log(JSON.stringify(join(folder, optimized[0]!)));
