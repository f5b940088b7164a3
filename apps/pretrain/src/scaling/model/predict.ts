/** Measurements of one rank and of a network, to the step of many ranks. Seconds, bytes and images throughout. */

/** The work of a rank in a step, without what it exchanges. */
export interface RankWork {
  /** One micro-batch: loading where it is waited for, visual tokens, forward and backward pass. */
  readonly compute: number;
  /** Copying gradients from the engine to the first bucket that can be sent. */
  readonly firstCopy: number;
  /** Copying the other buckets, behind which all-reduce can hide. */
  readonly otherCopies: number;
  /** Means, clipping, optimizer, the new parameters back to the engine, and what the training loop does itself. */
  readonly update: number;
}

/** What ranks send through, as seen by each of them. */
export interface Network {
  /** Bytes a second that a rank sends, while it receives as many. */
  readonly bandwidth: number;
  /** Seconds of one message however small. */
  readonly latency: number;
}

export interface StepSize {
  readonly ranks: number;
  /** Micro-batches of one rank. */
  readonly parts: number;
  /** Bytes of all gradients. */
  readonly gradientBytes: number;
  /** That are sent at once. */
  readonly bucketBytes: number;
  /** How many times as long everything takes because ranks share processors: ranks on a machine over its processors. */
  readonly crowding: number;
}

/** Seconds of a step, by what they go to. */
export interface StepSeconds {
  readonly compute: number;
  readonly copies: number;
  /** The part of all-reduce that nothing hides. */
  readonly exposed: number;
  readonly update: number;
  readonly step: number;
}

/**
 * Seconds of a ring all-reduce: every rank sends 2 (N - 1) messages of 1 / N of the bytes.
 * Patarasu and Yuan, "Bandwidth optimal all-reduce algorithms for clusters of workstations" (2009).
 */
export function ringAllReduce(bytes: number, ranks: number, { bandwidth, latency }: Network): number {
  const messages = 2 * (ranks - 1);
  return messages * (bytes / ranks / bandwidth + latency);
}

/** All-reduces of a few numbers in a step: whether a rank was interrupted, and the sums of losses and weights. */
const SMALL_ALL_REDUCES = 2;

/** The step that `packages/trainer` makes of it: micro-batches, then buckets that are copied and sent, then the update. */
export function predictStep(work: RankWork, network: Network, size: StepSize): StepSeconds {
  const { ranks, parts, gradientBytes, bucketBytes, crowding } = size;
  const compute = crowding * parts * work.compute;
  const update = crowding * work.update;
  const copies = crowding * (work.firstCopy + work.otherCopies);
  const buckets = Math.ceil(gradientBytes / bucketBytes);
  const bucket = ringAllReduce(gradientBytes / buckets, ranks, network);
  const exposed =
    ranks === 1
      ? 0
      : exposedAllReduce(bucket, buckets, crowding * work.otherCopies) +
        SMALL_ALL_REDUCES * ringAllReduce(0, ranks, network);
  return { compute, copies, exposed, update, step: compute + copies + exposed + update };
}

/**
 * What remains of all-reduce behind copying: a bucket is on its way while the next one is copied, and the last one has
 * nothing to hide behind.
 *
 * @param bucket seconds of one
 * @param buckets how many there are
 * @param copying seconds of all buckets after the first
 */
const exposedAllReduce = (bucket: number, buckets: number, copying: number): number =>
  Math.max(0, (buckets - 1) * bucket - copying) + bucket;
