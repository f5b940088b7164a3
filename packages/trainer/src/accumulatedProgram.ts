import { type HostTensor, scalar, zeros } from '@beit/weights';
import type { Program, TensorTree } from './program';
import { mapTree, scalarsOf } from './tensorTree';

type Group = { readonly [name: string]: TensorTree };

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
  /** Between the two: a sum over processes, say. Gets and gives the tree of gradients. Default: as they are. */
  readonly reduce?: (gradients: TensorTree) => Promise<TensorTree>;
}

/**
 * One program of two halves, for batches that do not fit at once and for several processes. Its state is that of the
 * update; its outputs are the weighted means of the gradient program's scalar outputs, and the update's scalars.
 * Errors of `run`: RangeError for no micro-batch, or a weight that is not above 0.
 */
export async function accumulatedProgram<B>({
  gradientProgram,
  updateProgram,
  reduce = async (gradients) => gradients,
}: AccumulatedProgramOptions<B>): Promise<Program<AccumulatedInputs<B>>> {
  const { gradients } = (await gradientProgram.readState()) as { gradients: Group };
  const noGradients = zerosLike(gradients);
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
      const { gradients } = (await gradientProgram.readState()) as { gradients: TensorTree };
      const outputs = await updateProgram.run({
        gradients: await reduce(divided(gradients, total)),
        scalars,
      });
      const { params, ...reported } = outputs as Group;
      await begin(params!);
      const means = Object.entries(sums).map(([name, sum]) => [name, sum / total] as const);
      const all = [...means, ...Object.entries(scalarsOf(reported))];
      return Object.fromEntries(all.map(([name, value]) => [name, scalar(value)]));
    },
    readState: () => updateProgram.readState(),
    async writeState(state) {
      await updateProgram.writeState(state);
      await begin(paramsOf(state));
    },
  };
}

const zerosLike = (tree: TensorTree) => mapTree(tree, ({ shape }) => zeros(shape));

const divided = (tree: TensorTree, by: number) =>
  mapTree(tree, (tensor) => ({ ...tensor, data: (tensor.data as Float32Array).map((x) => x / by) }));
