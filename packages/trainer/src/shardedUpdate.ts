import { type HostTensor, scalar, zeros } from '@beit/tensors';
import { isFirst, type Job } from './job';
import { shardOf } from './partition';
import type { Program, Tree<HostTensor> } from './program';
import { shardExchange } from './shardExchange';
import type { Group, Tensors, Update } from './wholeUpdate';

/** How the update is spread over the processes of a job. */
export interface Shards {
  /** Names of the tensors that a process updates, by rank: `partition` of all that have gradients. */
  readonly parts: readonly (readonly string[])[];
  /** Whether a tensor's gradient counts in the norm; the moves of running statistics do not. */
  isClipped(name: string): boolean;
}

/**
 * The part of the update that is this process's, with the optimizer's state for it alone; the new parameters of all come
 * from all. ZeRO's first stage: Rajbhandari et al., arXiv 1910.02054, section 5.1.
 *
 * @param program state `{ params, ... }` of the part (`shardOf`), inputs `{ gradients, scalars, gradNorm }`, outputs with
 *   `params` (`partialUpdateStep` of `@beit/optim`)
 * @param like arrays of the shapes of all that is updated
 */
export function shardedUpdate(
  program: Program<{ gradients: Tree<HostTensor>; scalars: Group; gradNorm: HostTensor }>,
  { parts, isClipped }: Shards,
  like: Tensors,
  job: Job,
): Update {
  const exchange = shardExchange(parts, like, job);
  const groupsNow = async () => (await program.readState()) as { params: Tensors; [group: string]: Tensors };

  return {
    async run({ params, gradients }, total, scalars) {
      const own = await exchange.reduceScatter(gradients);
      const norm = Float64Array.of(0);
      for (const [name, { data }] of Object.entries(own)) {
        const squares = divide(data as Float32Array, total);
        if (isClipped(name)) norm[0]! += squares;
      }
      await job.allReduce(norm);
      const gradNorm = scalar(Math.sqrt(norm[0]!));
      const outputs = await program.run({ gradients: own, scalars, gradNorm });
      const { params: updated, ...reported } = outputs as { params: Tensors };
      await exchange.allGather(updated, params);
      return { ...reported, gradNorm, params };
    },

    async params(params) {
      await exchange.allGather((await groupsNow()).params, params);
      return params;
    },

    async readState(params) {
      const { params: _, ...groups } = await groupsNow();
      const state: Record<string, Tensors> = { params };
      for (const [group, own] of Object.entries(groups)) {
        const all = await sharedNames(Object.keys(like), own, job);
        const others = all.filter((name) => !(name in own));
        // Of large models this is most of the state: only the first process needs it.
        const into = isFirst(job) ? zerosOf(others, like) : {};
        await exchange.allGather(own, into);
        state[group] = { ...own, ...into };
      }
      return state;
    },

    async writeState(state) {
      const groups = Object.entries(state as Record<string, Tensors>);
      await program.writeState(
        Object.fromEntries(groups.map(([group, all]) => [group, shardOf(all, parts, job.rank)])),
      );
    },
  };
}

/** In place. @returns the sum of the squares of the quotients, in float64: in float32 that of millions loses digits */
function divide(data: Float32Array, by: number): number {
  let squares = 0;
  for (let i = 0; i < data.length; i++) {
    data[i]! /= by;
    squares += data[i]! ** 2;
  }
  return squares;
}

/** Those of the names that any process has: moments, for one, are not of all that moves. */
async function sharedNames(names: readonly string[], own: Tensors, job: Job): Promise<string[]> {
  const has = Int32Array.from(names, (name) => (name in own ? 1 : 0));
  await job.allReduce(has, 'max');
  return names.filter((_, i) => has[i] === 1);
}

const zerosOf = (names: readonly string[], like: Tensors): Tensors =>
  Object.fromEntries(names.map((name) => [name, zeros(like[name]!.shape)]));
