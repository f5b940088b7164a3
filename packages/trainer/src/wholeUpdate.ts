import { type Branch, type HostTensor, type NamedTensors, scalar, type Tree } from '@beit/tensors';
import type { Job } from './job';
import { sharedMean } from './sharedMean';

/** The second half of a step: sums of gradients to new parameters. */
export interface Update<C> {
  /**
   * @param scale what the sums of gradients are multiplied by, a float32
   * @returns outputs
   */
  run(scale: number, scalars: C): Promise<Tree<HostTensor>>;
  readState(): Promise<Tree<HostTensor>>;
  writeState(state: Tree<HostTensor>): Promise<void>;
}

/** A state of named groups, which can be read and written alone. */
export interface GroupedState {
  readonly groups: readonly string[];
  readState(): Promise<Branch<HostTensor>>;
  readState(groups: readonly string[]): Promise<Branch<HostTensor>>;
  writeState(groups: Branch<HostTensor>): Promise<void>;
}

/** All of the update in every process. */
export interface WholePrograms<C> extends GroupedState {
  readonly run: {
    /** New parameters of `gradients` times `scale` (`updateStep` of `@beit/optim`). */
    update(inputs: { scalars: C; scale: HostTensor }): Promise<Tree<HostTensor>>;
  };
}

export function wholeUpdate<C>(programs: WholePrograms<C>, job?: Pick<Job, 'allReduce'>): Update<C> {
  const mean = job && sharedMean(job);
  const kept = keptGroups(programs);
  return {
    async run(scale, scalars) {
      if (!mean) return programs.run.update({ scalars, scale: scalar(scale) });
      const { gradients } = await programs.readState(['gradients']);
      await programs.writeState({ gradients: await mean(gradients as NamedTensors, scale) });
      return programs.run.update({ scalars, scale: scalar(1) });
    },
    readState: () => programs.readState(kept),
    writeState: (state) => programs.writeState(state as Branch<HostTensor>),
  };
}

/** The groups of a state that outlive a step: all but the gradients. */
export const keptGroups = ({ groups }: GroupedState): string[] =>
  groups.filter((group) => group !== 'gradients');
