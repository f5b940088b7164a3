/** Parts of tensors on their way between the processes that keep them. */
import { type HostTensor, type NamedTensors, sizeOf } from '@beit/tensors';
import type { Job } from './job';
import { BUCKET_BYTES } from './sharedMean';

export interface ShardExchange {
  /** The sums over the processes of the tensors of this one's part; their arrays are valid until the next call. */
  reduceScatter(tensors: NamedTensors): Promise<NamedTensors>;
  /**
   * Sends this process's part to the others, and writes theirs and its own to the arrays of `into`. What `own` or `into`
   * does not have is passed over.
   */
  allGather(own: NamedTensors, into: NamedTensors): Promise<void>;
}

interface Placed {
  readonly name: string;
  /** Where the tensor begins in the part, and its numbers. */
  readonly begin: number;
  readonly size: number;
}

/**
 * Sums and copies of parts, in buckets that hold the same range of every part: one is on its way while the next one is
 * copied, and no process ever has all numbers twice.
 *
 * @param parts names by rank, `partition`
 * @param tensors float32, of the shapes of all that is exchanged
 * @param bucketBytes of a bucket, at most
 */
export function shardExchange(
  parts: readonly (readonly string[])[],
  tensors: NamedTensors,
  job: Pick<Job, 'rank' | 'size' | 'reduceScatter' | 'allGather'>,
  bucketBytes = BUCKET_BYTES,
): ShardExchange {
  const layouts = parts.map((names) => layoutOf(names, tensors));
  const length = Math.max(...layouts.map(lengthOf));
  const numbers = Math.floor(bucketBytes / Float32Array.BYTES_PER_ELEMENT / job.size);
  const ranges = Array.from({ length: Math.ceil(length / numbers) }, (_, i) => ({
    from: i * numbers,
    to: Math.min(length, (i + 1) * numbers),
  }));
  // As long as the longest part; what lies behind a shorter one is sent along and never read.
  const own = new Float32Array(length);
  const buckets = [0, 1].map(() => new Float32Array(job.size * Math.min(numbers, length)));
  const bucketOf = (i: number) => {
    const { from, to } = ranges[i]!;
    return buckets[i % 2]!.subarray(0, job.size * (to - from));
  };
  /** Every piece of a tensor in a bucket, as two views of the same length. */
  const inBucket = (
    i: number,
    all: NamedTensors,
    visit: (place: Float32Array, piece: Float32Array) => void,
  ) => {
    const [{ from, to }, bucket] = [ranges[i]!, bucketOf(i)];
    for (const [rank, layout] of layouts.entries())
      for (const { name, begin, size } of layout) {
        const [first, last] = [Math.max(from, begin), Math.min(to, begin + size)];
        const data = all[name]?.data as Float32Array | undefined;
        if (first >= last || !data) continue;
        const at = rank * (to - from) + first - from;
        visit(bucket.subarray(at, at + last - first), data.subarray(first - begin, last - begin));
      }
  };
  const ownTensors = Object.fromEntries(
    layouts[job.rank]!.map(({ name, begin, size }) => {
      const tensor: HostTensor = { ...tensors[name]!, data: own.subarray(begin, begin + size) };
      return [name, tensor];
    }),
  );

  return {
    async reduceScatter(all) {
      let sent = Promise.resolve();
      for (const [i, { from, to }] of ranges.entries()) {
        inBucket(i, all, (place, piece) => place.set(piece));
        await sent;
        sent = job.reduceScatter(bucketOf(i), own.subarray(from, to)).then(() => {});
      }
      await sent;
      return ownTensors;
    },

    async allGather(part, into) {
      for (const [name, { data }] of Object.entries(ownTensors)) if (part[name]) data.set(part[name].data);
      const receive = (i: number) => inBucket(i, into, (place, piece) => piece.set(place));
      for (const [i, { from, to }] of ranges.entries()) {
        const arrived = job.allGather(own.subarray(from, to), bucketOf(i));
        if (i > 0) receive(i - 1);
        await arrived;
      }
      receive(ranges.length - 1);
    },
  };
}

function layoutOf(names: readonly string[], tensors: NamedTensors): Placed[] {
  let end = 0;
  return names.map((name) => {
    const [begin, size] = [end, sizeOf(tensors[name]!.shape)];
    end += size;
    return { name, begin, size };
  });
}

const lengthOf = (layout: readonly Placed[]): number => layout.reduce((sum, { size }) => sum + size, 0);
