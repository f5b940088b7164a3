import { type HostTensor, scalar, zeros } from '@beit/weights';
import type { Program, TensorTree } from './program';
import { scalarsOf } from './tensorTree';

type Group = { readonly [name: string]: TensorTree };

export interface AccumulatedInputs<B> {
  /** The parts of the step's batch, run one after the other. */
  readonly microBatches: readonly B[];
  /** Each part's share of the whole; they sum to 1. Default: equal. */
  readonly weights?: readonly number[];
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
    async run({ microBatches, weights = microBatches.map(() => 1 / microBatches.length), scalars }) {
      if (microBatches.length === 0 || weights.length !== microBatches.length) {
        throw new RangeError(
          `A step needs micro-batches, and a weight for each; got ${microBatches.length} and ${weights.length} weights.`,
        );
      }
      const means: Record<string, number> = {};
      for (const [i, batch] of microBatches.entries()) {
        const outputs = scalarsOf(await gradientProgram.run({ batch, weight: scalar(weights[i]!) }));
        for (const [name, value] of Object.entries(outputs))
          means[name] = (means[name] ?? 0) + weights[i]! * value;
      }
      const { gradients: sums } = (await gradientProgram.readState()) as { gradients: TensorTree };
      const outputs = await updateProgram.run({ gradients: await reduce(sums), scalars });
      const { params, ...reported } = outputs as Group;
      await begin(params!);
      const all = Object.entries({ ...means, ...scalarsOf(reported) });
      return Object.fromEntries(all.map(([name, value]) => [name, scalar(value)]));
    },
    readState: () => updateProgram.readState(),
    async writeState(state) {
      await updateProgram.writeState(state);
      await begin(paramsOf(state));
    },
  };
}

function zerosLike(group: Group): Group {
  return Object.fromEntries(
    Object.entries(group).map(([name, node]) => [
      name,
      Array.isArray(node.shape) ? zeros(node.shape) : zerosLike(node as Group),
    ]),
  );
}
