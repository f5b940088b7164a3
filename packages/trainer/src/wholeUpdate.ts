import type { HostTensor } from '@beit/tensors';
import type { Job } from './job';
import type { Program, Tree<HostTensor> } from './program';
import { sharedMean } from './sharedMean';

export type Group = { readonly [name: string]: Tree<HostTensor> };
export type Tensors = Record<string, HostTensor>;

/** The second half of a step: sums of gradients to new parameters. */
export interface Update {
  /**
   * @param held parameters, and sums of gradients of this process; both may be written to
   * @param total what the sums are divided by
   * @returns outputs, with the new `params`
   */
  run(held: { params: Tensors; gradients: Tensors }, total: number, scalars: Group): Promise<Group>;
  /** The parameters that the first half is to begin with; `like`: arrays of their shapes, which may be written to. */
  params(like: Tensors): Promise<Tensors>;
  /** @param params of the first half */
  readState(params: Tensors): Promise<Tree<HostTensor>>;
  writeState(state: Tree<HostTensor>): Promise<void>;
}

/** All of the update in every process. */
export function wholeUpdate(
  program: Program<{ gradients: Tree<HostTensor>; scalars: Group }>,
  job?: Pick<Job, 'allReduce'>,
): Update {
  const mean = job ? sharedMean(job) : async (sums: Tree<HostTensor>, total: number) => divided(sums, total);
  return {
    run: async ({ gradients }, total, scalars) =>
      (await program.run({ gradients: await mean(gradients, total), scalars })) as Group,
    params: async () => ((await program.readState()) as { params: Tensors }).params,
    readState: () => program.readState(),
    writeState: (state) => program.writeState(state),
  };
}

const divided = (tree: Tree<HostTensor>, by: number): Tree<HostTensor> =>
  mapTree(tree, (tensor) => ({ ...tensor, data: (tensor.data as Float32Array).map((x) => x / by) }));
