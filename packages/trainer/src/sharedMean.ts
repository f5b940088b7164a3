/** Gradients of several processes become one. */
import type { NamedTensors } from '@beit/tensors';
import type { Job } from './job';

/** Bytes that are sent at once: many small messages wait for each other, one large one for the last copy. */
export const BUCKET_BYTES = 2 ** 25;

/** The values become their sums over the processes, which must have the same names. */
export async function sumScalars(values: Record<string, number>, job: Pick<Job, 'allReduce'>): Promise<void> {
  const names = Object.keys(values).sort();
  // Counts and sums of many: float64 loses nothing.
  const sums = Float64Array.from(names, (name) => values[name]!);
  await job.allReduce(sums);
  names.forEach((name, i) => {
    values[name] = sums[i]!;
  });
}

/**
 * Sums over the processes, scaled: `(sums, scale) => means`, the arrays of which are valid until the next call. One bucket
 * is on its way while the next one is copied.
 */
export function sharedMean(
  job: Pick<Job, 'allReduce'>,
): (sums: NamedTensors, scale: number) => Promise<NamedTensors> {
  let all = new Float32Array();
  return async (sums, scale) => {
    const tensors = Object.entries(sums).sort(([a], [b]) => (a < b ? -1 : 1));
    const size = tensors.reduce((sum, [, { data }]) => sum + data.length, 0);
    if (all.length !== size) all = new Float32Array(size);
    const sent: Promise<void>[] = [];
    let [filled, from] = [0, 0];
    const send = () => {
      sent.push(job.allReduce(all.subarray(from, filled)));
      from = filled;
    };
    const means = tensors.map(([name, tensor]) => {
      const own = all.subarray(filled, filled + tensor.data.length);
      own.set(tensor.data as Float32Array);
      filled += own.length;
      if ((filled - from) * Float32Array.BYTES_PER_ELEMENT >= BUCKET_BYTES) send();
      return [name, { ...tensor, data: own }] as const;
    });
    if (filled > from) send();
    await Promise.all(sent);
    for (let i = 0; i < size; i++) all[i]! *= scale;
    return Object.fromEntries(means);
  };
}
