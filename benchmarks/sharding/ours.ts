/**
 * A process of a job that pre-trains a few steps; the first one prints what all of them held. The command line is one
 * argument: `ShardingArguments` as JSON.
 */

import type { EngineName } from '@beit/compile';
import { peakBytes, restartPeak } from '@beit/measurements';
import { pretrainLoss } from '@beit/mim';
import { connectMpi, gatherTexts } from '@beit/mpi';
import { firstBatch, trainingProgram } from '@beit/stage';
import type { HostTensor } from '@beit/tensors';
import * as tf from '@tensorflow/tfjs';
import { collectGarbage } from '../shared/collectGarbage';
import { createTask, MODELS, type ModelName } from '../trainStep/task';

export interface ShardingArguments {
  readonly model: ModelName;
  readonly engine: EngineName | 'auto';
  readonly threads: number;
  readonly steps: number;
  readonly sharded: boolean;
}

/** What one process tells. */
export interface ShardingRun {
  readonly engine: string;
  readonly parameters: number;
  /** Most memory while it compiled, while it trained, and while the first process got the whole state, as a checkpoint. */
  readonly compiling: number;
  readonly training: number;
  readonly gathering: number;
  readonly losses: readonly number[];
  readonly gradNorms: readonly number[];
}

const mpi = await connectMpi();
const args = JSON.parse(process.argv[2]!) as ShardingArguments;
tf.enableProdMode();

/** The initial parameters are garbage when this has returned. */
async function compiled() {
  const { mim, optimizer, params, batch, scalars } = createTask({
    model: MODELS[args.model],
    batchSize: 1,
    numMasked: 75,
  });
  async function* microBatches() {
    yield { batch, weight: 1 };
  }
  const program = await trainingProgram({
    loss: pretrainLoss(mim),
    optimizer,
    params,
    example: await firstBatch(microBatches()),
    microBatches: 1,
    job: mpi,
    shardOptimizer: args.sharded,
    engine: { engine: args.engine, precision: 'fp32', numThreads: args.threads },
  });
  const parameters = Object.values(params).reduce((sum, { data }) => sum + data.length, 0);
  return {
    program,
    parameters,
    inputs: (step: number) => ({ microBatches: microBatches(), scalars: scalars(step) }),
  };
}

const { program, parameters, inputs } = await compiled();
const compiling = peakBytes();
collectGarbage();
restartPeak();
const [losses, gradNorms]: [number[], number[]] = [[], []];
for (let step = 0; step < args.steps; step++) {
  const { loss, gradNorm } = (await program.run(inputs(step))) as Record<string, HostTensor>;
  losses.push(loss!.data[0]!);
  gradNorms.push(gradNorm!.data[0]!);
  if (mpi.rank === 0) console.error(`step ${step}: loss ${losses.at(-1)}`);
}
const training = peakBytes();
collectGarbage();
restartPeak();
await program.readState();
const gathering = peakBytes();
const own: ShardingRun = {
  engine: program.engine,
  parameters,
  compiling,
  training,
  gathering,
  losses,
  gradNorms,
};
const all = await gatherTexts(mpi, JSON.stringify(own));
if (mpi.rank === 0) console.log(`[${all}]`);
await mpi.close();
