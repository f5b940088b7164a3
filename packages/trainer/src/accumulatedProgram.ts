import { type Branch, type HostTensor, scalar, type Tree } from '@beit/tensors';
import type { Job } from './job';
import { scalarsOf, type TrainingProgram } from './program';
import { type ShardedPrograms, type Shards, shardedUpdate } from './shardedUpdate';
import { sumScalars } from './sharedMean';
import { type WholePrograms, wholeUpdate } from './wholeUpdate';

/** Among the sums of the outputs. */
const TOTAL = '';

export interface MicroBatch<B> {
  readonly batch: B;
  /** How much it counts: what its loss is a mean over (images, masked patches). */
  readonly weight: number;
}

/** @typeParam C the optimizer's scalars */
export interface AccumulatedInputs<B, C = Branch<HostTensor>> {
  /** The parts of the step's batch, run one after the other; each is asked for while the one before runs. */
  readonly microBatches: Iterable<MicroBatch<B>> | AsyncIterable<MicroBatch<B>>;
  readonly scalars: C;
}

/** Programs over one state with `params` and `gradients`, as `compilePrograms` of `@beit/compile` makes them. */
export interface AccumulatingPrograms<B> {
  readonly run: {
    /** Adds weight * gradient to `gradients`, or begins with it (`gradientStep` of `@beit/optim`). */
    accumulate(inputs: { batch: B; weight: HostTensor; isFirst: HostTensor }): Promise<Tree<HostTensor>>;
  };
}

export type AccumulatedProgramOptions<B, C = Branch<HostTensor>> =
  | {
      readonly programs: AccumulatingPrograms<B> & WholePrograms<C>;
      /** The processes that train together, each with micro-batches of its own. Default: this one alone. */
      readonly job?: Job | undefined;
      readonly shards?: undefined;
    }
  | {
      readonly programs: AccumulatingPrograms<B> & ShardedPrograms<C>;
      readonly job: Job;
      /** Which part of the optimizer's state each of them keeps. */
      readonly shards: Shards;
    };

/**
 * One program of two halves, for batches that do not fit at once and for several processes. Its state is that of the
 * programs without `gradients`, put together where it is spread over the processes; its outputs are the weighted means of
 * the scalar outputs of `accumulate`, and the update's scalars.
 * Errors of `run`: RangeError for no micro-batch, or a weight that is not above 0.
 */
export async function accumulatedProgram<B, C>(
  options: AccumulatedProgramOptions<B, C>,
): Promise<TrainingProgram<AccumulatedInputs<B, C>>> {
  const { programs, job } = options;
  const update = options.shards
    ? await shardedUpdate(options.programs, options.shards, options.job)
    : wholeUpdate(options.programs, job);

  return {
    async run({ microBatches, scalars }) {
      const sums: Record<string, number> = {};
      let total = 0;
      let running: Promise<void> | undefined;
      async function add(weight: number, outputs: Promise<Tree<HostTensor>>) {
        for (const [name, value] of Object.entries(scalarsOf(await outputs)))
          sums[name] = (sums[name] ?? 0) + weight * value;
      }
      // While one runs, the next is loaded and travels.
      for await (const { batch, weight } of microBatches) {
        if (!(weight > 0)) {
          await running;
          throw new RangeError(`A micro-batch has the weight ${weight}; expected more than 0.`);
        }
        const isFirst = scalar(total === 0 ? 1 : 0);
        const outputs = programs.run.accumulate({ batch, weight: scalar(weight), isFirst });
        outputs.catch(() => {}); // It counts when it is waited for.
        await running;
        running = add(weight, outputs);
        running.catch(() => {});
        total += weight;
      }
      await running;
      if (total === 0) throw new RangeError('A step needs at least one micro-batch; got none.');
      const all: Record<string, number> = { ...sums, [TOTAL]: total };
      if (job) await sumScalars(all, job);
      const items = all[TOTAL] ?? total;
      // As a float32, which is what programs get: so all processes and programs have the same bits.
      const reported = await update.run(Math.fround(1 / items), scalars);
      const means = Object.keys(sums).map((name) => [name, Number(all[name]) / items] as const);
      const scalarOutputs = [...means, ...Object.entries(scalarsOf(reported))];
      return Object.fromEntries(scalarOutputs.map(([name, value]) => [name, scalar(value)]));
    },
    readState: () => update.readState(),
    writeState: (state) => update.writeState(state),
    ...(options.shards && { replicated: ['params'] }),
  };
}
