import type { SampleLoader, SampleLoaderOptions } from '@beit/data';

export interface StageLoader<Batch> {
  /** Images in a step, of all processes. */
  readonly batchSize: number;
  readonly stepsPerEpoch: number;
  /** Images in a micro-batch. */
  readonly microBatchSize: number;
  /** Micro-batches of this process in a step. */
  readonly parts: number;
  /**
   * Its micro-batches, each with its number among those of all processes; loaded when asked for, and a little ahead. One is
   * there until the next one of this or another step is asked for.
   */
  microBatches(step: number): AsyncGenerator<readonly [number: number, batch: Batch]>;
  namesOf(step: number): string[];
  unreadable(): readonly { readonly name: string; readonly reason: string }[];
  close(): Promise<void>;
}

/** How a loader of `@beit/data` is to share batches. */
export type Sharing = Required<Pick<SampleLoaderOptions, 'batchSize' | 'share' | 'parts'>>;

export interface StageLoaderOptions<Batch> {
  /** How many there are. */
  readonly images: number;
  /** Samples of a step, of all processes together. */
  readonly batchSize: number;
  /** Samples of a micro-batch, at most; a process with a smaller share takes it at once. */
  readonly microBatchSize: number;
  /** The processes that train together. Default: this one. */
  readonly job?: { readonly rank: number; readonly size: number };
  create(sharing: Sharing): SampleLoader<Batch>;
}

/**
 * What one of `size` processes takes of a batch: micro-batches of at most `most` images.
 *
 * @throws unless all can have the same
 */
export function shareOf(
  batchSize: number,
  most: number,
  size: number,
): { readonly microBatchSize: number; readonly parts: number } {
  const microBatchSize = Math.min(most, batchSize / size);
  const parts = batchSize / size / microBatchSize;
  if (!Number.isInteger(microBatchSize) || !Number.isInteger(parts)) {
    throw new Error(
      `A batch of ${batchSize} cannot be shared by ${size} processes in micro-batches of ${most}. ` +
        'Take a batch size (--batch-size) that is a multiple of both together, or another number of processes.',
    );
  }
  return { microBatchSize, parts };
}

/** Whole batches of an epoch. @throws when there is none */
export function stepsPerEpochOf(images: number, batchSize: number): number {
  const steps = Math.floor(images / batchSize);
  if (steps === 0)
    throw new Error(
      `There are ${images} images to train on, fewer than one batch of ${batchSize}. ` +
        'Take a smaller batch size (--batch-size) or more images.',
    );
  return steps;
}

/** The images of a stage, in steps of `batchSize`, of which `microBatchSize` are in memory at a time. */
export function stageLoader<Batch extends object>({
  images,
  batchSize,
  microBatchSize: most,
  job: { rank, size } = { rank: 0, size: 1 },
  create,
}: StageLoaderOptions<Batch>): StageLoader<Batch> {
  const stepsPerEpoch = stepsPerEpochOf(images, batchSize);
  const { microBatchSize, parts } = shareOf(batchSize, most, size);
  const loader = create({ batchSize, share: { index: rank, count: size }, parts });
  let lent: Batch | undefined;
  const next = async (number: number): Promise<Batch> => {
    if (lent) loader.release(lent);
    lent = await loader.batch(number);
    return lent;
  };
  const own = (step: number) => Array.from({ length: parts }, (_, part) => step * parts + part);
  return {
    batchSize,
    stepsPerEpoch,
    microBatchSize,
    parts,
    async *microBatches(step) {
      for (const [part, number] of own(step).entries())
        yield [(step * size + rank) * parts + part, await next(number)];
    },
    namesOf: (step) => own(step).flatMap((number) => loader.namesOf(number)),
    unreadable: () => loader.unreadable(),
    close: () => loader.close(),
  };
}

/** A loader's batches as they come, for one process that has all of a batch in memory. */
export const inWholeBatches = <Batch extends object>(loader: SampleLoader<Batch>): StageLoader<Batch> =>
  stageLoader({
    images: loader.stepsPerEpoch * loader.batchSize,
    batchSize: loader.batchSize,
    microBatchSize: loader.batchSize,
    create: () => loader,
  });
