import type { Job } from '../src/job';

type Values = Parameters<Job['allReduce']>[0];
interface Call {
  readonly data: Values;
  /** Gives its process what it gets of all. */
  receive(all: readonly Values[]): void;
}

/** Several processes of a job, in one: a call waits until all of them have made it. */
export function pretendedJob(size: number): { readonly jobs: readonly Job[]; calls(): number } {
  const waiting: { call: Call; resolve: () => void }[][] = [];
  const made = new Array<number>(size).fill(0);
  const meet = (rank: number, call: Call) =>
    new Promise<void>((resolve) => {
      const number = made[rank]!++;
      waiting[number] ??= [];
      const meeting = waiting[number];
      meeting[rank] = { call, resolve };
      if (Object.keys(meeting).length < size) return;
      // Copies: what one receives may be what another one sent.
      const all = meeting.map(({ call }) => call.data.slice());
      for (const one of meeting) {
        one.call.receive(all);
        one.resolve();
      }
    });
  const sum = (all: readonly Values[], i: number) => all.reduce((total, data) => total + data[i]!, 0);
  const largest = (all: readonly Values[], i: number) => Math.max(...all.map((data) => data[i]!));
  const jobs = Array.from({ length: size }, (_, rank): Job => {
    const allReduce: Job['allReduce'] = (data, reduction = 'sum') =>
      meet(rank, {
        data,
        receive: (all) => {
          const reduced = reduction === 'sum' ? sum : largest;
          for (let i = 0; i < data.length; i++) data[i] = reduced(all, i);
        },
      });
    return {
      rank,
      size,
      allReduce,
      reduceScatter: (data, own) =>
        meet(rank, {
          data,
          receive: (all) => {
            for (let i = 0; i < own.length; i++) own[i] = sum(all, rank * own.length + i);
          },
        }),
      allGather: (data, to) =>
        meet(rank, {
          data,
          receive: (all) => {
            for (const [other, part] of all.entries()) to.set(part, other * data.length);
          },
        }),
      barrier: () => allReduce(new Int32Array(1)),
    };
  });
  return { jobs, calls: () => waiting.length };
}
