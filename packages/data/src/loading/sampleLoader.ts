import type { HostTensor } from '@beit/tensors';
import type { ImageSource } from '../sources/source';
import { assertIntegers } from './assertIntegers';
import { createBufferPool } from './bufferPool';
import type { Unreadable } from './eachReadable';
import { createEpochOrder, shardsAhead } from './epochOrder';
import type { SampleTask } from './task';
import { createPool } from './workerPool';

export interface SampleLoaderOptions {
  /** Seed of the order, and of everything random in a sample. */
  readonly seed: number;
  readonly batchSize: number;
  /** Another order in every epoch. Default true; false gives images in the order of the source. */
  readonly shuffle?: boolean;
  /**
   * Times that an image comes in an epoch, one right after the other and each with an augmentation of its own, as in
   * repeated augmentation (Hoffer et al., arXiv 1901.09335; Berman et al., arXiv 1902.05509). An epoch is not longer
   * for it, so that it leaves images out. Default 1; DeiT: 3.
   */
  readonly repeats?: number;
  /**
   * Which share of every batch this loader is for, where several processes load one together; what is in a batch does not
   * depend on how it is shared. Default: all of it.
   */
  readonly share?: { readonly index: number; readonly count: number };
  /** Equal parts in which the share comes, one after the other: part p of batch b is number b * parts + p. Default 1. */
  readonly parts?: number;
  /** Default true. False fills the last batch of an epoch up with its first images, so that every image comes. */
  readonly dropLast?: boolean;
  /** Threads that decode and augment. Default 1; 0 does it where `batch` is called. */
  readonly workers?: number;
  /** Batches that are prepared ahead. Default 2. */
  readonly prefetch?: number;
}

export interface SampleLoader<Batch> {
  readonly batchSize: number;
  /** Whole batches in an epoch. With `dropLast` these are whole ones, and what is left over comes in another epoch. */
  readonly stepsPerEpoch: number;
  /** The batch of a step, 0-based, or a part of one: a pure function of the options and the step, whatever was asked for before. */
  batch(step: number): Promise<Batch>;
  /**
   * Gives the memory of a batch back: later ones are written into it, so that none has to be taken, and cleared, for each.
   * Its tensors must not be used any more. A batch that is not given back is left to the garbage collector.
   */
  release(batch: Batch): void;
  /** The images of a step's batch. */
  namesOf(step: number): string[];
  /** Files that could not be read so far, each once. */
  unreadable(): Unreadable[];
  close(): Promise<void>;
}

interface Definition<Setup, Samples, Batch> {
  /** The images, whose order the loader chooses. */
  readonly images: ImageSource;
  readonly task: SampleTask<Setup, Samples>;
  readonly setup: Setup;
  readonly options: SampleLoaderOptions;
  /** One batch of what the workers prepared, in order; of several parts in `reused`, a batch that nobody needs any more. */
  toBatch(parts: readonly Samples[], reused?: Batch): Batch;
}

/** Order, worker threads and batches ahead; what a sample is, the task says. @throws RangeError as `createLoader` */
export function createSampleLoader<Setup extends object, Samples extends object, Batch extends object>({
  images,
  task,
  setup,
  options,
  toBatch,
}: Definition<Setup, Samples, Batch>): SampleLoader<Batch> {
  const {
    batchSize,
    seed,
    shuffle = true,
    dropLast = true,
    workers = 1,
    prefetch = 2,
    repeats = 1,
    share = { index: 0, count: 1 },
    parts = 1,
  } = options;
  const { names } = images;
  const count = names.length;
  assertIntegers([
    ['batchSize', batchSize, 1],
    ['repeats', repeats, 1],
    ['parts', parts, 1],
    ['share.index', share.index, 0],
    ['share.count', share.count, share.index + 1],
    ['workers', workers, 0],
    ['prefetch', prefetch, 0],
  ]);
  if (count < batchSize) {
    throw new RangeError(
      `There are ${count} images, fewer than one batch of ${batchSize}. Use a smaller batchSize or more images.`,
    );
  }
  const partSize = batchSize / share.count / parts;
  if (!Number.isInteger(partSize))
    throw new RangeError(
      `A batch of ${batchSize} does not come in ${share.count} equal shares of ${parts} equal parts.`,
    );
  const stepsPerEpoch = dropLast ? Math.floor(count / batchSize) : Math.ceil(count / batchSize);
  const pool = createPool(task, setup, workers);
  const unreadable = new Map<string, Unreadable>();
  const pending = new Map<number, Promise<Batch>>();
  const buffers = createBufferPool<Samples, Batch>();

  const epochOrder = createEpochOrder(images, { seed, shuffle });
  const indicesOf = (number: number): { epoch: number; start: number; indices: number[] } => {
    const step = Math.floor(number / parts);
    const epoch = Math.floor(step / stepsPerEpoch);
    const start = (step % stepsPerEpoch) * batchSize + (share.index * parts + (number % parts)) * partSize;
    const { indices: all } = epochOrder(epoch);
    const numberAt = (i: number) => all[Math.floor(i / repeats)]! + (i % repeats) * count;
    return {
      epoch,
      start,
      indices: Array.from({ length: partSize }, (_, i) => numberAt((start + i) % count)),
    };
  };

  async function prepare(step: number): Promise<Batch> {
    const { epoch, start, indices } = indicesOf(step);
    const ahead = shardsAhead(images, epochOrder, epoch, Math.floor(start / repeats));
    const size = Math.ceil(partSize / Math.max(workers, 1));
    const shares: number[][] = [];
    for (let i = 0; i < partSize; i += size) shares.push(indices.slice(i, i + size));
    const prepared = await Promise.all(
      shares.map((part) =>
        pool.prepare({ epoch, indices: part, ahead, reused: buffers.forSamples(part.length) }),
      ),
    );
    for (const file of prepared.flatMap((part) => part.unreadable)) unreadable.set(file.name, file);
    const samples = prepared.map((part) => part.samples);
    const batch = toBatch(samples, samples.length > 1 ? buffers.forBatch() : undefined);
    buffers.lend(
      batch,
      samples.map((part, i) => ({ part, count: shares[i]!.length })),
    );
    return batch;
  }

  const start = (step: number): Promise<Batch> => {
    let batch = pending.get(step);
    if (!batch) {
      batch = prepare(step);
      // It is reported when the batch is asked for.
      batch.catch(() => {});
      pending.set(step, batch);
    }
    return batch;
  };

  return {
    batchSize,
    stepsPerEpoch,
    async batch(step) {
      if (!Number.isSafeInteger(step) || step < 0)
        throw new RangeError(`Step is ${step}; expected an integer from 0.`);
      for (const other of pending.keys())
        if (other < step || other > step + prefetch + 1) pending.delete(other);
      const wanted = start(step);
      if (workers > 0) for (let ahead = 1; ahead <= prefetch; ahead++) start(step + ahead);
      const batch = await wanted;
      pending.delete(step);
      return batch;
    },
    release: buffers.giveBack,
    namesOf: (step) => indicesOf(step).indices.map((index) => names.at(index % count)!),
    unreadable: () => [...unreadable.values()],
    close: () => pool.close(),
  };
}

/** One after the other, in the data of `reused`, which is as large; a single one is itself. */
export function concatenate<T extends Float32Array | Int32Array>(
  arrays: readonly T[],
  reused?: HostTensor,
): T {
  const [first] = arrays;
  if (arrays.length === 1) return first!;
  const size = arrays.reduce((sum, { length }) => sum + length, 0);
  const all = (reused?.data as T | undefined) ?? new (first!.constructor as new (size: number) => T)(size);
  let offset = 0;
  for (const array of arrays) {
    all.set(array, offset);
    offset += array.length;
  }
  return all;
}
