/** Memory of samples and batches that nobody needs any more. */
export interface Room<Samples, Batch> {
  /** Samples to be written again, as many as `count`; undefined where there are none. */
  forSamples(count: number): Samples | undefined;
  /** A batch of several parts to be written again. */
  forBatch(): Batch | undefined;
  /** Remembers what a batch is made of. Of several parts it is a copy, so that these are free at once. */
  lend(batch: Batch, parts: readonly { readonly part: Samples; readonly count: number }[]): void;
  /** What another room has lent, or has got back before, stays as it is. */
  giveBack(batch: Batch): void;
}

export function createRoom<Samples extends object, Batch extends object>(): Room<Samples, Batch> {
  const samples = new Map<number, Samples[]>();
  const batches: Batch[] = [];
  const lent = new WeakMap<Batch, () => void>();
  const keep = (part: Samples, count: number) => {
    samples.set(count, [...(samples.get(count) ?? []), part]);
  };
  return {
    forSamples: (count) => samples.get(count)?.pop(),
    forBatch: () => batches.pop(),
    lend(batch, parts) {
      if (parts.length > 1) for (const { part, count } of parts) keep(part, count);
      lent.set(batch, () => {
        if (parts.length > 1) batches.push(batch);
        else for (const { part, count } of parts) keep(part, count);
      });
    },
    giveBack(batch) {
      lent.get(batch)?.();
      lent.delete(batch);
    },
  };
}
