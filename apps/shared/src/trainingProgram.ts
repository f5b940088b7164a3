import { compile } from '@beit/compile';
import {
  gradientState,
  gradientStep,
  isRunningStatistic,
  type LossFunction,
  type Optimizer,
  partialUpdateStep,
  trainState,
  trainStep,
  updateStep,
  withEma,
} from '@beit/optim';
import type { HostTensor, NamedTensors, Tree } from '@beit/tensors';
import {
  accumulatedProgram,
  type Job,
  type MicroBatch,
  type Program,
  partition,
  shardOf,
} from '@beit/trainer';
import type * as tf from '@tensorflow/tfjs';
import type { EngineOptions } from './engineOptions';

export interface TrainingInputs {
  /** Asked for one by one, so that a batch need not be in memory as a whole. */
  readonly microBatches: AsyncIterable<MicroBatch<HostTree>>;
  readonly scalars: { readonly [name: string]: HostTensor };
}
export type HostTree = { readonly [name: string]: HostTensor | HostTree };

export interface TrainingProgram extends Program<TrainingInputs> {
  readonly engine: string;
  dispose(): Promise<void>;
}

// Programs are typed by their step; here steps differ only in names, so they are handled as trees.
type AnyLoss = LossFunction<
  Tree<tf.Tensor> & { readonly [name: string]: Tree<tf.Tensor> },
  { loss: tf.Scalar } & Record<string, tf.Tensor>
>;
type Leaves = { readonly [name: string]: Tree<HostTensor> };

export interface TrainingProgramOptions {
  readonly loss: AnyLoss;
  readonly optimizer: Optimizer;
  readonly params: NamedTensors;
  /** One micro-batch, for its dtypes and shapes. */
  readonly example: HostTree;
  /** Micro-batches in a step; with one, and one process, gradients and update are one program. */
  readonly microBatches: number;
  /** The processes that train together. Default: this one. */
  readonly job?: Job;
  /** Whether each process keeps the optimizer's state of a part of the parameters only. Default false. */
  readonly shardOptimizer?: boolean;
  /** Of the moving average of the parameters, `ema` in the state; left out: none. */
  readonly emaDecay?: number;
  readonly engine: EngineOptions;
}

/**
 * A loss and an optimizer as one program, whatever the number of micro-batches and processes. State: `{ params, m, v }`,
 * and `ema`.
 */
export async function trainingProgram(options: TrainingProgramOptions): Promise<TrainingProgram> {
  const { loss, optimizer, params, example, microBatches, emaDecay, engine } = options;
  const job = options.job && options.job.size > 1 ? options.job : undefined;
  const stateOf = (params: NamedTensors) => ({
    ...trainState(params, optimizer),
    ...(emaDecay !== undefined && { ema: params }),
  });
  const averaged = <S extends Parameters<typeof withEma>[0]>(step: S): S =>
    emaDecay === undefined ? step : (withEma(step, emaDecay) as never);
  const specs = example as Leaves as never;
  if (microBatches === 1 && !job) {
    const program = await compile(
      averaged(trainStep(loss, optimizer) as never) as never,
      {
        state: stateOf(params) as never,
        inputs: { batch: specs, scalars: optimizer.scalarSpecs } as never,
      },
      engine,
    );
    return {
      engine: program.engine,
      async run({ microBatches, scalars }) {
        return program.run({ batch: await firstBatch(microBatches), scalars } as never);
      },
      readState: () => program.readState() as never,
      writeState: (state) => program.writeState(state as never),
      dispose: () => program.dispose(),
    };
  }
  const scalar = { dtype: 'float32', shape: [] } as const;
  const gradients = gradientState(params, optimizer);
  const gradientProgram = await compile(
    gradientStep(loss, optimizer) as never,
    { state: gradients as never, inputs: { batch: specs, weight: scalar } as never },
    engine,
  );
  const parts = job && options.shardOptimizer ? partition(gradients.gradients, job.size) : undefined;
  const kept = (tensors: NamedTensors) => (parts ? shardOf(tensors, parts, job!.rank) : tensors);
  const updateProgram = await compile(
    averaged((parts ? partialUpdateStep(optimizer) : updateStep(optimizer)) as never) as never,
    {
      state: stateOf(kept(params)) as never,
      inputs: {
        gradients: kept(gradients.gradients),
        scalars: optimizer.scalarSpecs,
        ...(parts && { gradNorm: scalar }),
      } as never,
    },
    engine,
  );
  const program = await accumulatedProgram<HostTree>({
    gradientProgram: gradientProgram as never,
    updateProgram: updateProgram as never,
    job,
    shards: parts && { parts, isClipped: (name) => !isRunningStatistic(name) },
  });
  return {
    ...program,
    engine: gradientProgram.engine,
    run: (inputs) => program.run(inputs as never),
    async dispose() {
      await gradientProgram.dispose();
      await updateProgram.dispose();
    },
  };
}

/** The first micro-batch, which may be the only one. */
export async function firstBatch(microBatches: AsyncIterable<MicroBatch<HostTree>>): Promise<HostTree> {
  for await (const { batch } of microBatches) return batch;
  throw new RangeError('A step needs a batch; got none.');
}
