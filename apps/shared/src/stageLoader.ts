import type { SampleLoader } from '@beit/data';

export interface StageLoader<Batch> {
  readonly stepsPerEpoch: number;
  /** Micro-batches in a step. */
  readonly parts: number;
  /** A step's micro-batches, each with its number among all; loaded when they are asked for, and a little ahead. */
  microBatches(step: number): AsyncGenerator<readonly [number: number, batch: Batch]>;
  namesOf(step: number): string[];
  unreadable(): readonly { readonly name: string; readonly reason: string }[];
  close(): Promise<void>;
}

export interface StageLoaderOptions<Batch> {
  /** How many there are. */
  readonly images: number;
  readonly batchSize: number;
  readonly microBatchSize: number;
  /** A loader of batches of this size. */
  create(batchSize: number): SampleLoader<Batch>;
}

/** The images of a stage, in steps of `batchSize`, of which `microBatchSize` are in memory at a time. */
export function stageLoader<Batch>({
  images,
  batchSize,
  microBatchSize,
  create,
}: StageLoaderOptions<Batch>): StageLoader<Batch> {
  const stepsPerEpoch = Math.floor(images / batchSize);
  if (stepsPerEpoch === 0) {
    throw new Error(
      `There are ${images} images to train on, fewer than one batch of ${batchSize}. ` +
        'Give a smaller --batch-size or more images.',
    );
  }
  const loader = create(microBatchSize);
  const parts = batchSize / microBatchSize;
  const numbers = (step: number) => Array.from({ length: parts }, (_, part) => step * parts + part);
  return {
    stepsPerEpoch,
    parts,
    async *microBatches(step) {
      for (const number of numbers(step)) yield [number, await loader.batch(number)];
    },
    namesOf: (step) => numbers(step).flatMap((number) => loader.namesOf(number)),
    unreadable: () => loader.unreadable(),
    close: () => loader.close(),
  };
}
