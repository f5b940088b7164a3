import { crc32 } from 'node:zlib';
import { flattenTensors, type HostTensor, type Tree } from '@beit/tensors';

/**
 * What training needs of the processes that train together; a `Communicator` of `@beit/mpi` is one. Every call is made by
 * all of them, in the same order.
 */
export interface Job {
  /** The number of this process; 0 writes and reports. */
  readonly rank: number;
  readonly size: number;
  /** In place: everywhere the sum, or the largest, of the values in the same place. */
  allReduce(data: Float32Array | Float64Array | Int32Array, reduction?: 'sum' | 'max'): Promise<void>;
  /** The sum of all arrays, of which every process gets its part in `own`: one of `size` equal ones. */
  reduceScatter(data: Float32Array, own: Float32Array): Promise<unknown>;
  /** In `all` the arrays of all, one behind the other in the order of the ranks. */
  allGather(data: Float32Array, all: Float32Array): Promise<unknown>;
  /** Waits for all. */
  barrier(): Promise<void>;
}

/** Whether this process is the one that writes and reports; without a job it is. */
export const isFirst = (job?: Pick<Job, 'rank'>): boolean => (job?.rank ?? 0) === 0;

/** Whether any process says so, of each. */
export async function anyOf<const Said extends readonly boolean[]>(
  job: Job | undefined,
  ...own: Said
): Promise<{ [Index in keyof Said]: boolean }> {
  const said = Int32Array.from(own, Number);
  await job?.allReduce(said, 'max');
  return Array.from(said, (one) => one === 1) as { [Index in keyof Said]: boolean };
}

/** @throws in every process, unless all have the same number */
export async function agreeOn(job: Job, own: number, message: (own: number) => string): Promise<void> {
  const ends = Float64Array.of(own, -own);
  await job.allReduce(ends, 'max');
  if (ends[0] !== -ends[1]!) throw new Error(message(own));
}

/** @throws in every process, unless all have the same bits; copies that have come apart would never meet again */
export async function agreeOnState(job: Job, state: Tree<HostTensor>, step: number): Promise<void> {
  const checksum = Object.entries(flattenTensors(state)).reduce(
    (sum, [, { data }]) => crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), sum),
    0,
  );
  await agreeOn(
    job,
    checksum,
    (own) =>
      `After step ${step} the states of the processes differ; that of ${job.rank} has the checksum ${own}.`,
  );
}
