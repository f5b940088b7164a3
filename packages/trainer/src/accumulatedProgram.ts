import { type HostTensor, scalar, zeros } from '@beit/weights';
import type { Job } from './job';
import type { Program, TensorTree } from './program';
import { sharedMean, sumScalars } from './sharedMean';
import { mapTree, scalarsOf } from './tensorTree';

type Group = { readonly [name: string]: TensorTree };

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
  /** State with `params`, inputs `{ gradients, scalars }`, outputs with `params` (`updateStep` of `@beit/optim`). */
  readonly updateProgram: Program<{ gradients: TensorTree; scalars: Group }>;
  /** The processes that train together, each with micro-batches of its own. Default: this one alone. */
  readonly job?: Pick<Job, 'allReduce'>;
}

/**
 * One program of two halves, for batches that do not fit at once and for several processes. Its state is that of the
 * update; its outputs are the weighted means of the gradient program's scalar outputs, and the update's scalars.
 * Errors of `run`: RangeError for no micro-batch, or a weight that is not above 0.
 */
export async function accumulatedProgram<B>({
  gradientProgram,
  updateProgram,
  job,
}: AccumulatedProgramOptions<B>): Promise<Program<AccumulatedInputs<B>>> {
  const { gradients } = (await gradientProgram.readState()) as { gradients: Group };
  const noGradients = zerosLike(gradients);
  const mean = job ? sharedMean(job) : async (sum: Group, total: number) => divided(sum, total);
  const begin = (params: TensorTree) => gradientProgram.writeState({ params, gradients: noGradients });
  const paramsOf = (tree: TensorTree) => (tree as Group).params!;
  await begin(paramsOf(await updateProgram.readState()));

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
      const { gradients } = (await gradientProgram.readState()) as { gradients: Group };
      const outputs = await updateProgram.run({ gradients: await mean(gradients, all[TOTAL]!), scalars });
      const { params, ...reported } = outputs as Group;
      await begin(params!);
      const means = Object.keys(sums).map((name) => [name, all[name]! / all[TOTAL]!] as const);
      const scalarOutputs = [...means, ...Object.entries(scalarsOf(reported))];
      return Object.fromEntries(scalarOutputs.map(([name, value]) => [name, scalar(value)]));
    },
    readState: () => updateProgram.readState(),
    async writeState(state) {
      await updateProgram.writeState(state);
      await begin(paramsOf(state));
    },
  };
}

const zerosLike = (tree: TensorTree) => mapTree(tree, ({ shape }) => zeros(shape));

const divided = (tree: TensorTree, by: number): TensorTree =>
  mapTree(tree, (tensor) => ({ ...tensor, data: (tensor.data as Float32Array).map((x) => x / by) }));
