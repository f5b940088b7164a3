import { messageOf } from '@beit/tensors';
import type { SpeedEnd } from '../rows';

export interface Growth {
  readonly first: number;
  /** Not beyond this. */
  readonly most: number;
  /** For all; a batch that would take longer, by what the last one took, is not begun. */
  readonly seconds: number;
}

/**
 * Measures at batches that double until memory ends, or the time.
 *
 * @throws what `measure` throws, but for the want of memory
 */
export async function growBatch(
  { first, most, seconds }: Growth,
  measure: (batchSize: number) => Promise<void>,
  now: () => number = () => performance.now() / 1000,
): Promise<Omit<SpeedEnd, 'precision'>> {
  const begin = now();
  let took = 0;
  for (let batchSize = first; batchSize <= most; batchSize *= 2) {
    const start = now();
    // The step alone takes twice as long, to compile it about as long as before.
    if (start - begin + 2 * took > seconds) return { why: 'time', batchSize };
    try {
      await measure(batchSize);
    } catch (error) {
      const message = messageOf(error);
      if (!isOutOfMemory(message)) throw error;
      return { why: 'memory', batchSize, message };
    }
    took = now() - start;
  }
  return { why: 'limit' };
}

/** XLA's status RESOURCE_EXHAUSTED, in our words or its own; an array that this process has no memory for. */
export const isOutOfMemory = (message: string): boolean =>
  /memory of the device .* is too small|RESOURCE_EXHAUSTED|out of memory|Array buffer allocation failed|Invalid typed array length/i.test(
    message,
  );
