/** Memory of samples and batches that nobody needs any more. */
export interface BufferPool<Samples, Batch> {
  /** Samples to be written again, as many as `count`; undefined where there are none. */
  forSamples(count: number): Samples | undefined;
  /** A batch of several parts to be written again. */
  forBatch(): Batch | undefined;
  /** Remembers what a batch is made of. Of several parts it is a copy, so that these are free at once. */
  lend(batch: Batch, parts: readonly { readonly part: Samples; readonly count: number }[]): void;
  /** What another pool has lent, or has got back before, stays as it is. */
  giveBack(batch: Batch): void;
}

export function createBufferPool<Samples extends object, Batch extends object>(): BufferPool<Samples, Batch> {
  const samples = new Map<number, Samples[]>();
  const batches: Batch[] = [];
  const lent = new WeakMap<Batch, () => void>();
  return {
    forSamples: (count) => samples.get(count)?.pop(),
    forBatch: () => batches.pop(),
    lend(batch, parts) {
      const keepParts = () => {
        for (const { part, count } of parts) samples.set(count, [...(samples.get(count) ?? []), part]);
      };
      if (parts.length === 1) {
        lent.set(batch, keepParts);
      } else {
        keepParts();
        lent.set(batch, () => batches.push(batch));
      }
    },
    giveBack(batch) {
      lent.get(batch)?.();
      lent.delete(batch);
    },
  };
}
