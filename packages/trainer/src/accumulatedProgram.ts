import { type HostTensor, scalar, zeros } from '@beit/tensors';
import type { Job } from './job';
import type { Program, Tree<HostTensor> } from './program';
import { type Shards, shardedUpdate } from './shardedUpdate';
import { sumScalars } from './sharedMean';
import { type Group, type Tensors, wholeUpdate } from './wholeUpdate';

/** Among the sums of the outputs. */
const TOTAL = '';

export interface MicroBatch<B> {
  readonly batch: B;
  /** How much it counts: what its loss is a mean over (images, masked patches). */
  readonly weight: number;
}

export interface AccumulatedInputs<B> {
  /** The parts of the step's batch, run one after the other; each is asked for when the one before has run. */
  readonly microBatches: Iterable<MicroBatch<B>> | AsyncIterable<MicroBatch<B>>;
  /** The optimizer's scalars. */
  readonly scalars: Group;
}

export interface AccumulatedProgramOptions<B> {
  /** State `{ params, gradients }`, inputs `{ batch, weight }`: adds weight * gradient (`gradientStep` of `@beit/optim`). */
  readonly gradientProgram: Program<{ batch: B; weight: HostTensor }>;
  /**
   * State with `params`, inputs `{ gradients, scalars }`, outputs with `params` (`updateStep` of `@beit/optim`). With
   * `shards` that of a part of them, with an input `gradNorm` too (`partialUpdateStep`).
   */
  readonly updateProgram: Program<{ gradients: Tree<HostTensor>; scalars: Group; gradNorm?: HostTensor }>;
  /** The processes that train together, each with micro-batches of its own. Default: this one alone. */
  readonly job?: Job;
  /** Which part of the optimizer's state each of them keeps. Default: all of it. */
  readonly shards?: Shards;
}

/**
 * One program of two halves, for batches that do not fit at once and for several processes. Its state is that of the
 * update, put together where it is spread over the processes; its outputs are the weighted means of the gradient program's
 * scalar outputs, and the update's scalars.
 * Errors of `run`: RangeError for no micro-batch, or a weight that is not above 0.
 */
export async function accumulatedProgram<B>({
  gradientProgram,
  updateProgram,
  job,
  shards,
}: AccumulatedProgramOptions<B>): Promise<Program<AccumulatedInputs<B>>> {
  const heldNow = async () => (await gradientProgram.readState()) as { params: Tensors; gradients: Tensors };
  const { params, gradients } = await heldNow();
  const noGradients = zerosLike(gradients);
  const update =
    job && shards ? shardedUpdate(updateProgram, shards, noGradients, job) : wholeUpdate(updateProgram, job);
  const begin = (params: Tree<HostTensor>) => gradientProgram.writeState({ params, gradients: noGradients });
  await begin(await update.params(params));

  return {
    async run({ microBatches, scalars }) {
      const sums: Record<string, number> = {};
      let total = 0;
      for await (const { batch, weight } of microBatches) {
        if (!(weight > 0))
          throw new RangeError(`A micro-batch has the weight ${weight}; expected more than 0.`);
        const outputs = scalarsOf(await gradientProgram.run({ batch, weight: scalar(weight) }));
        for (const [name, value] of Object.entries(outputs)) sums[name] = (sums[name] ?? 0) + weight * value;
        total += weight;
      }
      if (total === 0) throw new RangeError('A step needs at least one micro-batch; got none.');
      const all: Record<string, number> = { ...sums, [TOTAL]: total };
      if (job) await sumScalars(all, job);
      const { params, ...reported } = await update.run(await heldNow(), all[TOTAL]!, scalars);
      await begin(params!);
      const means = Object.keys(sums).map((name) => [name, all[name]! / all[TOTAL]!] as const);
      const scalarOutputs = [...means, ...Object.entries(scalarsOf(reported))];
      return Object.fromEntries(scalarOutputs.map(([name, value]) => [name, scalar(value)]));
    },
    readState: async () => update.readState((await heldNow()).params),
    async writeState(state) {
      await update.writeState(state);
      await begin((state as Group).params!);
    },
    ...(job && shards && { replicated: ['params'] }),
  };
}

const zerosLike = (tensors: Tensors): Tensors => mapTree(tensors, ({ shape }) => zeros(shape)) as Tensors;
