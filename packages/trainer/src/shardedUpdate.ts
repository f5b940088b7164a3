import { type Branch, type HostTensor, type NamedTensors, scalar, type Tree, zeros } from '@beit/tensors';
import { isFirst, type Job } from './job';
import { shardOf } from './partition';
import { shardExchange } from './shardExchange';
import { type GroupedState, keptGroups, type Update } from './wholeUpdate';

/** How the update is spread over the processes of a job. */
export interface Shards {
  /** Names of the tensors that a process updates, by rank: `partition` of all that have gradients. */
  readonly parts: readonly (readonly string[])[];
  /** Whether a tensor's gradient counts in the norm; the moves of running statistics do not. */
  isClipped(name: string): boolean;
}

/** The update of this process's part, over a state that has all parameters and the optimizer's state of the part. */
export interface ShardedPrograms<C> extends GroupedState {
  readonly run: {
    /** New parameters of the part (`partialUpdateStep` of `@beit/optim`). */
    update(inputs: { gradients: NamedTensors; scalars: C; gradNorm: HostTensor }): Promise<Tree<HostTensor>>;
  };
}

/**
 * The part of the update that is this process's, with the optimizer's state for it alone; the new parameters of all come
 * from all. ZeRO's first stage: Rajbhandari et al., arXiv 1910.02054, section 5.1.
 */
export async function shardedUpdate<C>(
  programs: ShardedPrograms<C>,
  { parts, isClipped }: Shards,
  job: Job,
): Promise<Update<C>> {
  const paramsNow = async () => (await programs.readState(['params'])).params as NamedTensors;
  const gradientsNow = async () => (await programs.readState(['gradients'])).gradients as NamedTensors;
  const like = await gradientsNow();
  const names = Object.keys(like);
  const exchange = shardExchange(parts, like, job);
  const groups = keptGroups(programs).filter((group) => group !== 'params');
  /** The parameters that the others have updated come here. */
  async function gatherParams() {
    const params = await paramsNow();
    await exchange.allGather(shardOf(params, parts, job.rank), params);
    await programs.writeState({ params });
  }

  return {
    async run(scale, scalars) {
      const own = await exchange.reduceScatter(await gradientsNow());
      const norm = Float64Array.of(0);
      for (const [name, { data }] of Object.entries(own)) {
        const squares = multiply(data as Float32Array, scale);
        if (isClipped(name)) norm[0]! += squares;
      }
      await job.allReduce(norm);
      const gradNorm = scalar(Math.sqrt(norm[0]!));
      const reported = await programs.run.update({ gradients: own, scalars, gradNorm });
      await gatherParams();
      return { ...(reported as Branch<HostTensor>), gradNorm };
    },

    async readState() {
      const held = await programs.readState(groups);
      const state: Record<string, NamedTensors> = { params: await paramsNow() };
      for (const group of groups) {
        const own = held[group] as NamedTensors;
        const all = await sharedNames(names, own, job);
        const others = all.filter((name) => !(name in own));
        // For large models this is most of the state, and only the first process needs it.
        const into = isFirst(job) ? zerosOf(others, like) : {};
        await exchange.allGather(own, into);
        state[group] = { ...own, ...into };
      }
      return state;
    },

    async writeState(state) {
      const { params, ...spread } = state as Record<string, NamedTensors>;
      const own = Object.entries(spread).map(([group, all]) => [group, shardOf(all, parts, job.rank)]);
      await programs.writeState({ params, ...Object.fromEntries(own) });
    },
  };
}

/** In place. @returns the sum of the squares of the products, in float64: in float32 that of millions loses digits */
function multiply(data: Float32Array, by: number): number {
  let squares = 0;
  for (let i = 0; i < data.length; i++) {
    data[i]! *= by;
    squares += data[i]! ** 2;
  }
  return squares;
}

/** The names that any process has: not all that moves has moments, for one. */
async function sharedNames(names: readonly string[], own: NamedTensors, job: Job): Promise<string[]> {
  const has = Int32Array.from(names, (name) => (name in own ? 1 : 0));
  await job.allReduce(has, 'max');
  return names.filter((_, i) => has[i] === 1);
}

const zerosOf = (names: readonly string[], like: NamedTensors): NamedTensors =>
  Object.fromEntries(names.map((name) => [name, zeros(like[name]!.shape)]));
