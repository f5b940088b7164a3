import { toMaskedPositions } from '@beit/masking';
import { createRandom } from '@beit/random';
import type { HostTensor } from '@beit/weights';
import { createMasking, type SampleRecipe, type Samples, type Unreadable } from './prepareSamples';
import type { ImageSource } from './source';
import { createPool } from './workerPool';

export interface LoaderOptions extends SampleRecipe {
  readonly source: ImageSource;
  readonly batchSize: number;
  /** Another order in every epoch. Default true; false gives images in the order of the source. */
  readonly shuffle?: boolean;
  /**
   * Times that an image comes in an epoch, one right after the other and each with an augmentation of its own, as in
   * repeated augmentation (Hoffer et al., arXiv 1901.09335; Berman et al., arXiv 1902.05509). An epoch is not longer
   * for it, so that it leaves images out. Default 1; DeiT: 3.
   */
  readonly repeats?: number;
  /** Default true. False fills the last batch of an epoch up with its first images, so that every image comes. */
  readonly dropLast?: boolean;
  /** Threads that decode and augment. Default 1; 0 does it where `batch` is called. */
  readonly workers?: number;
  /** Batches that are prepared ahead. Default 2. */
  readonly prefetch?: number;
}

/** One batch, as tensors on the host. */
export interface Batch {
  /** `[batch, imageSize, imageSize, 3]`, normalized. */
  readonly images: HostTensor;
  /** `[batch, tokenImageSize, tokenImageSize, 3]` in [0, 1]. */
  readonly tokenImages: HostTensor;
  /** `[batch, tokenImageSize, tokenImageSize]` in [0, 1]. */
  readonly opacity: HostTensor;
  /** `[batch, maxMasked]` int32 and float32; without masking, `maxMasked` is 0. */
  readonly masked: { readonly positions: HostTensor; readonly weights: HostTensor };
  /** `[patches]` each, 1 = masked. */
  readonly masks: readonly Uint8Array[];
  /** Which images these are: indices into the source, and names. */
  readonly indices: readonly number[];
  readonly names: readonly string[];
}

export interface Loader {
  readonly batchSize: number;
  /** Batches in an epoch. With `dropLast` these are whole ones, and what is left over comes in another epoch. */
  readonly stepsPerEpoch: number;
  /** Masked patches per image at most. */
  readonly maxMasked: number;
  /** The batch of a step, 0-based: a pure function of the options and the step, whatever was asked for before. */
  batch(step: number): Promise<Batch>;
  /** The images of a step's batch. */
  namesOf(step: number): string[];
  /** Files that could not be read so far, each once. */
  unreadable(): Unreadable[];
  close(): Promise<void>;
}

/** @throws RangeError when there are fewer images than a batch takes, or an option is out of range */
export function createLoader(options: LoaderOptions): Loader {
  const { source, batchSize, seed, views, masking, shuffle = true, dropLast = true } = options;
  const { workers = 1, prefetch = 2, repeats = 1 } = options;
  const count = source.names.length;
  for (const [name, value, least] of [
    ['batchSize', batchSize, 1],
    ['repeats', repeats, 1],
    ['workers', workers, 0],
    ['prefetch', prefetch, 0],
  ] as const) {
    if (!Number.isSafeInteger(value) || value < least) {
      throw new RangeError(`${name} is ${value}; expected an integer of at least ${least}.`);
    }
  }
  if (count < batchSize) {
    throw new RangeError(
      `There are ${count} images, fewer than one batch of ${batchSize}. Use a smaller batchSize or more images.`,
    );
  }
  const stepsPerEpoch = dropLast ? Math.floor(count / batchSize) : Math.ceil(count / batchSize);
  const maxMasked = masking ? createMasking(masking).maxMasked : 0;
  const pool = createPool({ source, recipe: { seed, views, masking } }, workers);
  const unreadable = new Map<string, Unreadable>();
  const pending = new Map<number, Promise<Batch>>();

  let order: { epoch: number; indices: ArrayLike<number> } | undefined;
  const epochOrder = (epoch: number): ArrayLike<number> => {
    if (!shuffle) return Array.from({ length: count }, (_, i) => i);
    if (order?.epoch !== epoch)
      order = { epoch, indices: createRandom(seed, 'shuffle', epoch).permutation(count) };
    return order.indices;
  };
  const indicesOf = (step: number): { epoch: number; indices: number[] } => {
    const epoch = Math.floor(step / stepsPerEpoch);
    const start = (step % stepsPerEpoch) * batchSize;
    const all = epochOrder(epoch);
    const numberAt = (i: number) => all[Math.floor(i / repeats)]! + (i % repeats) * count;
    return { epoch, indices: Array.from({ length: batchSize }, (_, i) => numberAt((start + i) % count)) };
  };

  async function prepare(step: number): Promise<Batch> {
    const { epoch, indices } = indicesOf(step);
    const share = Math.ceil(batchSize / Math.max(workers, 1));
    const shares: number[][] = [];
    for (let i = 0; i < batchSize; i += share) shares.push(indices.slice(i, i + share));
    const parts = await Promise.all(shares.map((part) => pool.prepare(epoch, part)));
    for (const file of parts.flatMap((part) => part.unreadable)) unreadable.set(file.name, file);
    return toBatch(
      parts.map((part) => part.samples),
      options,
      maxMasked,
    );
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
    maxMasked,
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
    namesOf: (step) => indicesOf(step).indices.map((index) => source.names[index % count]!),
    unreadable: () => [...unreadable.values()],
    close: () => pool.close(),
  };
}

function toBatch(parts: readonly Samples[], { views }: LoaderOptions, maxMasked: number): Batch {
  const { imageSize, tokenImageSize } = views;
  const masks = parts.flatMap((part) => part.masks);
  const float32 = (arrays: readonly Float32Array[], ...shape: number[]): HostTensor => ({
    dtype: 'float32',
    shape: [masks.length, ...shape],
    data: joined(arrays),
  });
  const { shape, positions, weights } =
    maxMasked === 0
      ? { shape: [masks.length, 0], positions: new Int32Array(), weights: new Float32Array() }
      : toMaskedPositions(masks, maxMasked);
  return {
    images: float32(
      parts.map(({ image }) => image),
      imageSize,
      imageSize,
      3,
    ),
    tokenImages: float32(
      parts.map(({ tokenImage }) => tokenImage),
      tokenImageSize,
      tokenImageSize,
      3,
    ),
    opacity: float32(
      parts.map(({ opacity }) => opacity),
      tokenImageSize,
      tokenImageSize,
    ),
    masked: {
      positions: { dtype: 'int32', shape, data: positions },
      weights: { dtype: 'float32', shape, data: weights },
    },
    masks,
    indices: parts.flatMap(({ indices }) => indices),
    names: parts.flatMap(({ names }) => names),
  };
}

/** One after the other; a single one is itself. */
function joined(arrays: readonly Float32Array[]): Float32Array {
  if (arrays.length === 1) return arrays[0]!;
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let offset = 0;
  for (const array of arrays) {
    all.set(array, offset);
    offset += array.length;
  }
  return all;
}
