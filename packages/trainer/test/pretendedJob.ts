import type { Job } from '../src/job';

type Values = Parameters<Job['allReduce']>[0];

/** Several processes of a job, in one: a call waits until all of them have made it. */
export function pretendedJob(size: number): { readonly jobs: readonly Job[]; calls(): number } {
  const waiting: { data: Values; resolve: () => void }[][] = [];
  const made = new Array<number>(size).fill(0);
  const meet = (rank: number, data: Values, reduction: 'sum' | 'max') =>
    new Promise<void>((resolve) => {
      const number = made[rank]!++;
      waiting[number] ??= [];
      const call = waiting[number];
      call.push({ data, resolve });
      if (call.length < size) return;
      const total = call[0]!.data.map((_, i) =>
        call.map((one) => one.data[i]!).reduce((a, b) => (reduction === 'sum' ? a + b : Math.max(a, b))),
      );
      for (const one of call) {
        one.data.set(total);
        one.resolve();
      }
    });
  const jobs = Array.from({ length: size }, (_, rank) => ({
    rank,
    size,
    allReduce: (data: Values, reduction: 'sum' | 'max' = 'sum') => meet(rank, data, reduction),
    barrier: () => meet(rank, new Int32Array(1), 'sum'),
  }));
  return { jobs, calls: () => waiting.length };
}
